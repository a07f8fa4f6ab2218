import type { Abstract, FactoryProvider, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { Token } from '../model/values/token.js';

/** What Nest finds a `T` by. */
export type TokenOf<T> = Type<T> | Abstract<T> | Token<T>;

type TokensOf<P extends readonly unknown[]> = {
  [N in keyof P]-?: undefined extends P[N]
    ? | TokenOf<Exclude<P[N], undefined>>
      | (OptionalFactoryDependency & { token: TokenOf<Exclude<P[N], undefined>> })
    : TokenOf<P[N]>;
};

// Engine classes know nothing of Nest's injector. Parameter decorators are not checked by TypeScript: two tokens that were swapped would compile. Each of
// these takes the tokens in the order, or by the names, of the parameters, and a token of another type does not compile.

/** Provider of a class whose constructor takes its parts in order. */
export function provide<T, P extends readonly unknown[]>(
  type: new (...parts: P) => T,
  ...tokens: TokensOf<P>
): FactoryProvider<T> {
  return {
    provide: type,
    useFactory: (...parts: unknown[]) => new type(...(parts as unknown as P)),
    inject: [...tokens] as FactoryProvider['inject'],
  };
}

/** Provider of a class whose constructor takes its parts by name. */
export function provideByName<T, P extends object>(
  type: new (parts: P) => T,
  tokens: { [K in keyof P]: TokenOf<P[K]> },
): FactoryProvider<T> {
  const names = Object.keys(tokens) as (keyof P)[];
  return {
    provide: type,
    useFactory: (...parts: unknown[]) =>
      new type(Object.fromEntries(names.map((name, n) => [name, parts[n]])) as P),
    inject: names.map((name) => tokens[name]) as FactoryProvider['inject'],
  };
}

/** Provider of what a function makes, where a part of the settings is passed or nothing is constructed. The function has to return what the token stands for. */
export function provideFrom<T, P extends readonly unknown[]>(
  token: TokenOf<T>,
  make: (...parts: P) => NoInfer<T>,
  ...tokens: TokensOf<P>
): FactoryProvider<T> {
  return {
    provide: token,
    useFactory: (...parts: unknown[]) => make(...(parts as unknown as P)),
    inject: [...tokens] as FactoryProvider['inject'],
  };
}
