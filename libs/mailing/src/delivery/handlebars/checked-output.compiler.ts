import Handlebars from 'handlebars';
import { isThenable } from '../../model/values/thenable.js';
import { printedValue, refusedPromise } from './printed-value.js';

/** A statement of a template that prints. */
interface Printing {
  type: string;
  path?: { original?: string | number | boolean };
  params?: unknown[];
}

/** The first half of Handlebars' compiler, as far as it is used here. Its types omit it. */
interface CompilerBase {
  /** The current statement comes first. */
  sourceNode: Printing[];
  opcode(name: string, ...parameters: unknown[]): void;
}

/** The second half. */
interface JavaScriptBase {
  append(): void;
  appendEscaped(): void;
  popStack(): unknown;
  push(code: unknown[]): void;
  quotedString(text: string): string;
}

const { Compiler, JavaScriptCompiler } = Handlebars as unknown as {
  Compiler: new () => CompilerBase;
  JavaScriptCompiler: new () => JavaScriptBase;
};

/** Opcodes that print a value. */
const PRINTS: ReadonlySet<string> = new Set(['append', 'appendEscaped']);
const MAX_EXPRESSION = 80;

/** Name under which compiled templates find `printedValue`. */
const PRINTED = 'printedValue';

/**
 * Handlebars' compiler, which also records for each printed value how it is written in the template.
 *
 * Handlebars lets an engine replace the two halves of its compiler (`Compiler`, `JavaScriptCompiler`). Rejected: another `escapeExpression`,
 * which is not called if nothing is escaped (subjects, text parts, `{{{name}}}`); wrapping each expression of the source in a helper, because a
 * variable and a helper without parameters look alike.
 */
export class CheckingCompiler extends Compiler {
  get compiler(): typeof CheckingCompiler {
    return CheckingCompiler;
  }

  override opcode(name: string, ...parameters: unknown[]): void {
    if (PRINTS.has(name)) super.opcode(name, expressionOf(this.sourceNode[0]));
    else super.opcode(name, ...parameters);
  }
}

/** Makes code that passes each value to `printedValue` before it is printed. */
export class CheckingJavaScript extends JavaScriptCompiler {
  get compiler(): typeof CheckingJavaScript {
    return CheckingJavaScript;
  }

  override append(expression = ''): void {
    this.#check(expression);
    super.append();
  }

  override appendEscaped(expression = ''): void {
    this.#check(expression);
    super.appendEscaped();
  }

  #check(expression: string): void {
    this.push([`container.${PRINTED}(`, this.popStack(), ', ', this.quotedString(expression), ')']);
  }
}

type Lookup = (parent: unknown, name: string) => unknown;
type Container = Record<string, unknown> & { lookupProperty: Lookup };
type Program = (container: Container, ...parameters: unknown[]) => string;

/**
 * Gives `printedValue` to a compiled template through its container; the main program runs first. Reading a field of a promise, which would print
 * as nothing, is refused too.
 */
export function withPrintedValues(spec: TemplateSpecification): TemplateSpecification {
  const { main } = spec as { main: Program };
  const checked: Program = (container, ...parameters) => {
    if (!(PRINTED in container)) {
      const lookup = container.lookupProperty;
      container.lookupProperty = (parent, name) => {
        // Runs for each variable of each message, so the cheap test comes first.
        if ((parent as { then?: unknown }).then !== undefined && isThenable(parent))
          throw refusedPromise(`what ${name} is read from`, parent);
        return lookup(parent, name);
      };
      container[PRINTED] = printedValue;
    }
    return main(container, ...parameters);
  };
  return Object.assign(spec, { main: checked });
}

function expressionOf({ type, path, params = [] }: Printing): string {
  const mark = type === 'BlockStatement' ? '#' : '';
  const more = params.length > 0 ? ' …' : '';
  return `{{${mark}${String(path?.original ?? '')}${more}}}`.slice(0, MAX_EXPRESSION);
}
