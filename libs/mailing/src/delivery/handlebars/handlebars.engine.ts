import Handlebars from 'handlebars';
import type { TemplateHelper } from '../../model/options/content-options.js';
import { CheckingCompiler, CheckingJavaScript, withPrintedValues } from './checked-output.compiler.js';
import { guardedHelper } from './template-helper.guard.js';
import { type Engine, withSlotBlock } from './slot.block.js';

/**
 * Makes the engine of one mailing, with the host's helpers. It refuses to print a value that has no text, and to use a promise; Handlebars itself
 * prints `[object Promise]`.
 *
 * @param hasSlots whether it knows the `slot` block.
 */
export function createEngine(helpers: Record<string, TemplateHelper>, hasSlots: boolean): Engine {
  const engine = Handlebars.create();
  engine.registerHelper(helpers);
  if (hasSlots) withSlotBlock(engine);
  for (const [name, helper] of Object.entries(engine.helpers as Record<string, TemplateHelper>)) {
    engine.registerHelper(name, guardedHelper(name, helper));
  }
  const { template } = engine;
  return Object.assign(engine, {
    Compiler: CheckingCompiler,
    JavaScriptCompiler: CheckingJavaScript,
    template: (spec: TemplateSpecification) => template(withPrintedValues(spec)),
  });
}
