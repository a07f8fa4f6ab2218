import Handlebars from 'handlebars';
import { SlotNameNotLiteralError } from '../../model/mail/slot.errors.js';
import type { ShownSlot } from '../../model/ports/template.renderer.js';
import type { Engine } from './slot.block.js';

type Ast = hbs.AST.Node;
type Call = Ast & { path: hbs.AST.Expression; params: hbs.AST.Expression[]; hash?: hbs.AST.Hash };

/**
 * Finds the slots that these templates and their partials show, also in branches that no recipient reaches.
 *
 * @param sources template text by its path; a text that can't be parsed is skipped here and fails when it is rendered.
 * @throws SlotNameNotLiteralError if the name of a slot is not a literal in the template.
 */
export function slotsShownBy(engine: Engine, sources: Record<string, string | undefined>): ShownSlot[] {
  const shown = new Map<string, ShownSlot>();
  for (const [templateUrl, source] of Object.entries(sources)) {
    for (const slot of new SlotWalk(engine, templateUrl).through(source)) {
      if (!shown.has(slot)) shown.set(slot, { slot, templateUrl });
    }
  }
  return [...shown.values()];
}

/** Walks one template with the partials it includes, each once. */
class SlotWalk {
  readonly #found = new Set<string>();
  readonly #partials = new Set<string>();

  constructor(
    private readonly engine: Engine,
    private readonly templateUrl: string,
  ) {}

  through(source: unknown): Set<string> {
    const program = typeof source === 'string' ? this.#parse(source) : null;
    if (program) this.#visitor().accept(program);
    return this.#found;
  }

  #parse(source: string): hbs.AST.Program | null {
    try {
      return this.engine.parse(source);
    } catch {
      return null;
    }
  }

  #visitor(): Handlebars.Visitor {
    const look = (call: Ast): void => this.#look(call as Call);
    const include = (name: hbs.AST.PathExpression | hbs.AST.SubExpression): void => this.#include(name);
    return new (class extends Handlebars.Visitor {
      override BlockStatement(block: hbs.AST.BlockStatement): void {
        look(block);
        super.BlockStatement(block);
      }
      override MustacheStatement(mustache: hbs.AST.MustacheStatement): void {
        if (!isVariable(mustache as Call)) look(mustache);
        super.MustacheStatement(mustache);
      }
      override SubExpression(expression: hbs.AST.SubExpression): void {
        look(expression);
        super.SubExpression(expression);
      }
      override PartialStatement(partial: hbs.AST.PartialStatement): void {
        include(partial.name);
        super.PartialStatement(partial);
      }
      override PartialBlockStatement(partial: hbs.AST.PartialBlockStatement): void {
        include(partial.name);
        super.PartialBlockStatement(partial);
      }
    })();
  }

  #look({ path, params, loc }: Call): void {
    if ((path as hbs.AST.PathExpression).original !== 'slot') return;
    const [name] = params;
    if (name?.type === 'StringLiteral') this.#found.add((name as hbs.AST.StringLiteral).value);
    else {
      const found =
        name === undefined ? 'none' : `the expression ${(name as hbs.AST.PathExpression).original}`;
      throw new SlotNameNotLiteralError(this.templateUrl, loc.start.line, found);
    }
  }

  /** A computed name may be that of any partial, so all are searched. */
  #include(name: hbs.AST.PathExpression | hbs.AST.SubExpression): void {
    const partials = this.engine.partials as Record<string, unknown>;
    const isWritten = name.type !== 'SubExpression';
    const names = isWritten ? [String((name as hbs.AST.PathExpression).original)] : Object.keys(partials);
    for (const one of names) {
      if (this.#partials.has(one)) continue;
      this.#partials.add(one);
      this.through(Object.hasOwn(partials, one) ? partials[one] : undefined);
    }
  }
}

/** `{{slot}}` alone is a variable of the host. */
function isVariable({ params, hash }: Call): boolean {
  return params.length === 0 && hash === undefined;
}
