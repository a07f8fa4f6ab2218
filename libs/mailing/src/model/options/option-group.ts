import type { OptionKind } from './option-kinds.js';
import { MailingOptionsError } from './setup.errors.js';

/** The options of one group, in reading order: an option comes before those whose bound or default depends on it. */
export type OptionSchema<O extends object> = {
  // oxlint-disable-next-line no-explicit-any
  readonly [K in keyof Required<O>]: OptionKind<any, any>;
};

/** The values of the options of a schema, after reading. */
export type ReadOptions<S> = {
  -readonly [K in keyof S]: S[K] extends { read: (...parameters: never[]) => infer T } ? T : never;
};

/** The next step for an option that was given in the wrong group, by its name. */
export type OptionHints = Record<string, string | undefined>;

/**
 * Reads a group of options by its schema.
 *
 * @param path of the group; empty for the options themselves.
 * @throws MailingOptionsError naming the first option that is unknown, out of its bounds or contradicts another.
 */
export function readOptions<S extends OptionSchema<object>>(
  path: string,
  schema: S,
  given: unknown,
  hints: OptionHints = {},
): ReadOptions<S> {
  if (typeof given !== 'object' || given === null)
    throw new MailingOptionsError(path || 'options', 'an object', given);
  const prefix = path && `${path}.`;
  const values = given as Record<string, unknown>;
  const kinds = Object.entries(schema) as [string, OptionKind<unknown>][];
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(schema, name)) continue;
    const expected = `absent, because the options here are ${kinds.map(([known]) => known).join(', ')}`;
    throw new MailingOptionsError(`${prefix}${name}`, expected, values[name], undefined, hints[name]);
  }
  const read: Record<string, unknown> = {};
  for (const [name, kind] of kinds) read[name] = kind.read(`${prefix}${name}`, values[name], read);
  return read as ReadOptions<S>;
}

/** A group within a group. @param schema of its own options. */
export function group<S extends OptionSchema<object>>(schema: S): OptionKind<ReadOptions<S>> & { schema: S } {
  return {
    type: 'options',
    defaultWords: '',
    schema,
    read: (path, given) => readOptions(path, schema, given ?? {}),
  };
}

/** A group that turns a feature on; null: the feature is off. */
export function optionalGroup<S extends OptionSchema<object>>(
  schema: S,
): OptionKind<ReadOptions<S> | null> & { schema: S } {
  return {
    type: 'options',
    defaultWords: 'none',
    schema,
    read: (path, given) => ((given ?? null) === null ? null : readOptions(path, schema, given)),
  };
}
