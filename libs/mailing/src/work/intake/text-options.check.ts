import { InvalidFieldError } from '../../model/errors/request.errors.js';
import type { TextOptions } from '../../model/mail/text-options.js';
import { TEXT } from '../../model/options/mailing-options.schema.js';
import { readOptions } from '../../model/options/option-group.js';
import { OptionPlace } from '../../model/options/option-place.js';

const FIELD = new OptionPlace(
  'text',
  ({ option, expected, value }) => new InvalidFieldError(option, expected, value),
);

/**
 * Reads the text options of a mailing.
 *
 * @param common those of the module, for what is absent.
 * @returns a whole set of options; undefined: the mailing has none of its own.
 * @throws InvalidFieldError naming the first option that is unknown or out of its bounds.
 */
export function textOf(
  given: TextOptions | undefined,
  common: Required<TextOptions>,
): Required<TextOptions> | undefined {
  if (given === undefined) return undefined;
  const present = Object.entries(given).filter(([, value]) => value !== undefined && value !== null);
  return readOptions(FIELD, TEXT, { ...common, ...Object.fromEntries(present) });
}
