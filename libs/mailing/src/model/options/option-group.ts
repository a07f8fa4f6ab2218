import type { OptionKind } from './option-kinds.js';
import type { OptionPlace } from './option-place.js';

/**
 * The options of one group, in reading order: an option comes before those whose bound or default depends on it. What an option depends on
 * has to be in its group, or the schema does not compile.
 */
export type OptionSchema<O extends object> = {
  // oxlint-disable-next-line no-explicit-any
  readonly [K in keyof Required<O>]: OptionKind<any, Required<O>>;
};

/** Any schema; those of `OptionSchema` are checked against the interface of their options. */
// oxlint-disable-next-line no-explicit-any
type AnySchema = Readonly<Record<string, OptionKind<any, any> & { schema?: AnySchema }>>;

/** The values of the options of a schema, after reading. */
export type ReadOptions<S> = {
  -readonly [K in keyof S]: S[K] extends { read: (...parameters: never[]) => infer T } ? T : never;
};

/** The next step for an option that was given in the wrong group, by its name. */
export type OptionHints = Record<string, string | undefined>;

/**
 * Reads a group of options by its schema.
 *
 * @param at place of the group.
 * @throws the error of the place, naming the first option that is unknown, out of its bounds or contradicts another.
 */
export function readOptions<S extends AnySchema>(
  at: OptionPlace,
  schema: S,
  given: unknown,
  hints: OptionHints = {},
): ReadOptions<S> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw at.wrong('an object', given);
  const values = given as Record<string, unknown>;
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(schema, name)) continue;
    const expected = `absent, because the options here are ${Object.keys(schema).join(', ')}`;
    throw at.of(name).wrong(expected, values[name], undefined, hints[name] ?? groupHint(at, schema, name));
  }
  const read: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(schema)) read[name] = kind.read(at.of(name), values[name], read);
  return read as ReadOptions<S>;
}

/** The next step for an option that one of the inner groups has. */
function groupHint(at: OptionPlace, schema: AnySchema, name: string): string | undefined {
  const paths = pathsOf(schema, name).map((path) => at.of(path).path);
  return paths.length ? `Give it as ${paths.join(' or ')}.` : undefined;
}

function pathsOf(schema: AnySchema, name: string): string[] {
  return Object.entries(schema).flatMap(([key, { schema: inner }]) => {
    if (!inner) return [];
    const here = Object.hasOwn(inner, name) ? [name] : [];
    return [...here, ...pathsOf(inner, name)].map((path) => `${key}.${path}`);
  });
}

/** A group within a group. @param schema of its own options. */
export function group<S extends AnySchema>(schema: S): OptionKind<ReadOptions<S>> & { schema: S } {
  return {
    type: 'options',
    defaultWords: '',
    schema,
    read: (at, given) => readOptions(at, schema, given ?? {}),
  };
}

/** A group with an option that is required. */
export function requiredGroup<S extends AnySchema>(schema: S): OptionKind<ReadOptions<S>> & { schema: S } {
  return {
    type: 'options',
    defaultWords: 'required',
    schema,
    read: (at, given) => readOptions(at, schema, given),
  };
}

/** A group that turns a feature on; null: the feature is off. */
export function optionalGroup<S extends AnySchema>(
  schema: S,
): OptionKind<ReadOptions<S> | null> & { schema: S } {
  return {
    type: 'options',
    defaultWords: 'none',
    schema,
    read: (at, given) => ((given ?? null) === null ? null : readOptions(at, schema, given)),
  };
}
