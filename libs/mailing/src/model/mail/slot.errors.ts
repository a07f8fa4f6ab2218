import { MailingError, inspectValue } from '../errors/mailing.error.js';
import { kindOf } from '../values/value-kind.js';
import { TemplateEmailRequestError } from '../errors/request.errors.js';

/**
 * A slot is defined under an invalid name, or again with other options.
 *
 * @nextStep Correct its definition: each slot is defined once, by SlotService.define.
 */
export class SlotDefinitionError extends MailingError {
  readonly code = 'MAILING_SLOT_DEFINITION';

  constructor(
    readonly slot: unknown,
    expected: string,
    got: unknown,
  ) {
    super(
      `SlotService.define: expected ${expected}, got ${inspectValue(got)}. Correct the definition of ${inspectValue(slot)}.`,
    );
  }
}

/** A template shows, or a mailing fills, a slot that is not defined. */
export class SlotUnknownError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SLOT_UNKNOWN';

  constructor(
    readonly slot: string,
    /** The template that shows the slot; null if a mailing fills it. */
    readonly templateUrl: string | null,
    known: readonly string[],
  ) {
    const where =
      templateUrl === null ? 'is filled' : `is shown by the template ${inspectValue(templateUrl)}`;
    super(
      `The slot ${inspectValue(slot)} ${where}, and is not defined; defined are: ${known.join(', ') || 'none'}. ` +
        'Correct the name, or call SlotService.define at start.',
    );
  }
}

/** The content of a mailing has to outlive the call, but the mailing shows a slot that is not persistent. */
export class SlotNotPersistentError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SLOT_NOT_PERSISTENT';

  constructor(
    readonly slot: string,
    readonly templateUrl: string,
    /** The option that requires a persistent slot. */
    readonly because: 'persist' | 'runInSeparateThread',
  ) {
    super(
      `The template ${inspectValue(templateUrl)} shows the slot ${inspectValue(slot)}, which is not persistent, and ${because} is true: ` +
        `expected a persistent slot. Define it with SlotService.define(${inspectValue(slot)}, { persistent: true }), ` +
        'or send with persist false and runInSeparateThread false.',
    );
  }
}

/** A mailing fills a slot with content that can't be stored, or for an id that can't be a profile's. */
export class SlotContentError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SLOT_CONTENT';
  /** What kind of value was given; never the value. */
  readonly kind: string;

  constructor(
    readonly slot: string,
    /** Which recipients see it. */
    readonly shownTo: 'all recipients' | 'one profile',
    readonly expected: string,
    value: unknown,
  ) {
    const kind = kindOf(value);
    super(
      `sendEmailMessage: expected what the slot ${inspectValue(slot)} shows to ${shownTo} to be ${expected}, got ${kind}. Correct it.`,
    );
    this.kind = kind;
  }
}

/** The name of a slot is not written in the template as a text, so what the template shows can't be known before the mailing. */
export class SlotNameNotLiteralError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SLOT_NAME_NOT_LITERAL';

  constructor(
    readonly templateUrl: string,
    /** Of the template, from 1. */
    readonly line: number,
    readonly found: string,
  ) {
    super(
      `The template ${inspectValue(templateUrl)} shows a slot in line ${line}: expected its name as a text, such as ` +
        `{{#slot "promotion"}}, got ${found}. Write the name, one block for each slot.`,
    );
  }
}
