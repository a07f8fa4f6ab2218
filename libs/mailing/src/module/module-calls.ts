import type { DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { MailingModuleTwiceError, type ModuleCall } from '../model/options/module-twice.error.js';

/** The note that one call of `forRoot` leaves in the module that it makes. */
export interface NotedCall {
  /** `file:line:column` of the host's code; null if there is no stack. */
  at: string | null;
  /** The module that the host gets and imports. Set before the call returns. */
  outer: DynamicModule | null;
}

/** Terms of a module that an application may have only once. */
export interface OnceTerms {
  /** The class whose `forRoot` the host calls. */
  module: string;
  /** In words, for the error: where there may be only one, for example `the data source "default"`. Default: the application. */
  scope?: string;
  /** One sentence: what would happen with two. */
  consequence: string;
}

type NestModule = ReturnType<ModulesContainer['get']> & object;

/**
 * Notes where the host has called a method. That method itself has to call this function.
 *
 * @param module the class.
 * @param method its static method, for example `forRoot`. The caller of this method is noted.
 */
export function noteCall<M extends string>(
  module: Record<M, (...options: never[]) => DynamicModule>,
  method: M,
): NotedCall {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, module[method]);
  const line = holder.stack?.split('\n')[1] ?? '';
  const at = /((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?\s*$/.exec(line)?.[1] ?? null;
  return { at, outer: null };
}

/**
 * Returns the same module with a check: an application that has two of them does not start.
 *
 * - Nest treats each call of `forRoot` as a module of its own, even if the options are the same. One dynamic module that is imported in two
 *   places is one call.
 * - Calls find each other by a token that all copies of this package share (`Symbol.for`).
 * - The note is a function, because Nest's algorithm `deep-hash` compares modules by their text. Under it, two calls with the same options
 *   are one module, which works; a line number in the text would tell them apart.
 * - Rejected: counting calls when they are made. A test process makes one application after the other.
 *
 * @example
 * ```ts
 * class CouponModule {
 *   static forRoot(): DynamicModule {
 *     const call = noteCall(CouponModule, 'forRoot');
 *     const made = { module: CouponModule, providers: [] };
 *     call.outer = calledOnce(made, call, { module: 'CouponModule', consequence: 'Two would give each coupon twice.' });
 *     return call.outer;
 *   }
 * }
 * ```
 */
export function calledOnce(made: DynamicModule, call: NotedCall, terms: OnceTerms): DynamicModule {
  const note = Symbol.for(`nestjs-mailing:call:${terms.module}:${terms.scope ?? ''}`);
  const check = {
    provide: Symbol('CALLED_ONCE'),
    useFactory: (modules: ModulesContainer) => checkCalls([...modules.values()], note, terms),
    inject: [ModulesContainer],
  };
  return { ...made, providers: [...(made.providers ?? []), { provide: note, useValue: () => call }, check] };
}

/** @throws MailingModuleTwiceError */
function checkCalls(all: NestModule[], note: symbol, terms: OnceTerms): void {
  const [first, second] = all.filter((one) => one.providers.has(note));
  if (second) throw new MailingModuleTwiceError(terms, callOf(all, first, note), callOf(all, second, note));
}

function callOf(all: NestModule[], made: NestModule, note: symbol): ModuleCall {
  const { at, outer } = noteOf(made, note);
  const importing =
    all.find(({ metatype }) => isListedBy(metatype, outer)) ?? all.find((one) => imports(one, made, outer));
  return { at, importedBy: importing?.metatype.name ?? null };
}

function noteOf(made: NestModule, note: symbol): NotedCall {
  const noted = made.providers.get(note)?.instance as (() => NotedCall) | undefined;
  return noted?.() ?? { at: null, outer: null };
}

/** Checked first: Nest adds a global module to the imports of every module. */
function isListedBy(metatype: object, outer: DynamicModule | null): boolean {
  const listed = (Reflect.getMetadata('imports', metatype) ?? []) as unknown[];
  return listed.includes(outer);
}

/** For an importing module that is dynamic itself: its class lists no imports. */
function imports(importing: NestModule, made: NestModule, outer: DynamicModule | null): boolean {
  if (outer?.global) return false;
  return [...importing.imports].some(
    (one) => one.metatype === outer?.module && (one === made || one.imports.has(made)),
  );
}
