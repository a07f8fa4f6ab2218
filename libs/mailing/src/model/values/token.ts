declare const STANDS_FOR: unique symbol;

/** An injection token that knows the type of what it stands for. */
export type Token<T> = symbol & { readonly [STANDS_FOR]: T };

/** @param name for messages of Nest. */
export function tokenOf<T>(name: string): Token<T> {
  return Symbol(name) as Token<T>;
}
