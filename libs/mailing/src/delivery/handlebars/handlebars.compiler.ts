import Handlebars from 'handlebars';
import { isThenable } from '../../model/values/thenable.js';
import { printedValue, refusedPromise } from './printed-value.js';

/** A statement of a template that prints. */
interface Printing {
  type: string;
  path?: { original?: string | number | boolean };
  params?: unknown[];
}

/** The first half of Handlebars' compiler, as far as it is used here; its types leave it out. */
interface CompilerBase {
  /** The statement at hand first. */
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

/** Steps that put a value into the text. */
const PRINTS: ReadonlySet<string> = new Set(['append', 'appendEscaped']);
const MAX_EXPRESSION = 80;

/** Name of `printedValue` where templates find it. */
const PRINTED = 'printedValue';

/**
 * Handlebars' compiler, which also notes for each value that is printed how it is written in the template.
 *
 * Its two halves are replaced by engine (`Compiler`, `JavaScriptCompiler`), which Handlebars provides for. Rejected: another
 * `escapeExpression`, which is not called where nothing is escaped (subjects, text parts, `{{{name}}}`); wrapping each expression of the
 * source in a helper, where a variable and a helper without parameters look alike.
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

/** Makes code in which each value passes through `printedValue` before it is printed. */
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
 * Hands `printedValue` to a compiled template by what its code gets; its main program runs first. A field of a promise, which would print as
 * nothing, is refused too.
 */
export function withPrintedValues(spec: TemplateSpecification): TemplateSpecification {
  const { main } = spec as { main: Program };
  const checked: Program = (container, ...parameters) => {
    if (!(PRINTED in container)) {
      const lookup = container.lookupProperty;
      container.lookupProperty = (parent, name) => {
        // Looked at for each variable of each message, so the first look is a short one.
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
