import Handlebars from 'handlebars';

/** What a template says about partials. */
export interface PartialUses {
  /** Used by name. */
  needed: Set<string>;
  /** Used by name, with content of their own in case there is no such partial. */
  optional: Set<string>;
  /** Defined in the template itself (`{{#*inline "name"}}`). */
  defined: Set<string>;
  /** Whether a name is computed at rendering. */
  isDynamic: boolean;
}

interface SyntaxNode {
  type?: string;
  name?: { type: string; original?: string | number };
  path?: { original?: string };
  params?: { original?: string }[];
}

/** `{{> @partial-block}}` stands for content of the caller, not for a file. */
const CONTENT_OF_CALLER = '@partial-block';

/** @throws Error of the parser if it is no Handlebars. */
export function partialUses(source: string): PartialUses {
  const uses: PartialUses = {
    needed: new Set(),
    optional: new Set(),
    defined: new Set(),
    isDynamic: false,
  };
  walk(Handlebars.parse(source), uses);
  return uses;
}

function walk(node: unknown, uses: PartialUses): void {
  if (typeof node !== 'object' || node === null) return;
  note(node as SyntaxNode, uses);
  for (const inner of Object.values(node)) walk(inner, uses);
}

function note({ type, name, path, params }: SyntaxNode, uses: PartialUses): void {
  if (type === 'DecoratorBlock' && path?.original === 'inline')
    uses.defined.add(String(params?.[0]?.original));
  if (type !== 'PartialStatement' && type !== 'PartialBlockStatement') return;
  if (name?.type === 'SubExpression') uses.isDynamic = true;
  else if (name?.original !== CONTENT_OF_CALLER) {
    (type === 'PartialStatement' ? uses.needed : uses.optional).add(String(name?.original));
  }
}
