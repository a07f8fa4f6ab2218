import { TemplateNotCompilingError } from '../../model/errors/request.errors.js';
import type { Engine } from './slot.block.js';
import type { TemplateSource } from '../templates/mailbox-templates.js';

export type Variables = Record<string, unknown>;
export type Render = (variables: Variables) => string;

/**
 * One Handlebars template, compiled when it is first needed.
 *
 * @throws TemplateNotCompilingError, from the returned function, until it has rendered once; after that what the template throws.
 */
export function compiled(
  engine: Engine,
  templateUrl: string,
  source: TemplateSource,
  noEscape: boolean,
): Render {
  let template: Handlebars.TemplateDelegate | undefined;
  let tried = false;
  return (variables) => {
    try {
      // Handlebars parses at the first call, so the trial rendering finds a template that does not compile.
      template ??= engine.compile(source, { noEscape });
      const text = template(variables);
      tried = true;
      return text;
    } catch (error) {
      throw tried ? error : new TemplateNotCompilingError(templateUrl, error);
    }
  };
}
