import { MailingError } from '../../mailing/src/index.js';
import { OptionPlace } from '../../mailing/src/parts.js';

/** An option of `MailingScenariosModule` or of `@SendEmail` is missing, unknown or out of its bounds. */
export class ScenarioOptionsError extends MailingError {
  readonly code = 'MAILING_SCENARIO_OPTIONS';

  constructor(
    readonly option: string,
    expected: string,
    /** In words. */
    got: string,
  ) {
    super(`Scenario: expected ${option} to be ${expected}, got ${got}. Correct it.`);
  }
}

/** The place of the options of `MailingScenariosModule`, and of `@SendEmail`. */
export const SCENARIO_PLACE = new OptionPlace(
  '',
  ({ option, expected, got }) => new ScenarioOptionsError(option, expected, got),
);

/** A method with `@SendEmail` was called on an object that no application has started as a scenario. */
export class ScenarioNotStartedError extends MailingError {
  readonly code = 'MAILING_SCENARIO_NOT_STARTED';

  constructor(readonly method: string) {
    super(
      `The method ${method} sends e-mail, but its object is no scenario of a started application. Put @Scenario() on its class, ` +
        'list it as a provider that is not request-scoped, and import MailingScenariosModule.forRoot().',
    );
  }
}
