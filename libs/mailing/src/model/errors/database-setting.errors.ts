import { MailingError, inspectValue } from './mailing.error.js';

/** A setting of the database under which the plugin can't keep its guarantees. */
export interface HarmfulSetting {
  /** Its name, as the database spells it. */
  setting: string;
  /** Its value, or the one word in it that does the harm. */
  value: string;
  expected: string;
  /** What happens under it, as a clause. */
  consequence: string;
  nextStep: string;
}

/** A setting of the database that was refused, with its facts as fields. */
abstract class HarmfulSettingError extends MailingError implements HarmfulSetting {
  readonly setting: string;
  readonly value: string;
  readonly expected: string;
  readonly consequence: string;
  readonly nextStep: string;

  constructor(where: string, refusal: string, harmful: HarmfulSetting) {
    const { setting, value, expected, consequence, nextStep } = harmful;
    super(
      `${where}: expected ${setting} to be ${expected}, got ${inspectValue(value)}: ${consequence}. ${refusal} ${nextStep}`,
    );
    this.setting = setting;
    this.value = value;
    this.expected = expected;
    this.consequence = consequence;
    this.nextStep = nextStep;
  }
}

/**
 * The database has a setting under which mailings would go wrong, so the application does not start: `setting`, `value`, `expected`.
 *
 * @nextStep Set the setting to what is expected; the message says how.
 */
export class DatabaseSettingError extends HarmfulSettingError {
  readonly code = 'MAILING_DATABASE_SETTING';

  constructor(harmful: HarmfulSetting) {
    super('MailingModule, settings of the database', 'The plugin does not start under it.', harmful);
  }
}

export const UNSAFE_CONNECTION = 'MAILING_UNSAFE_CONNECTION';

/**
 * A connection of the host's pool has a setting under which the plugin may run no statement: `setting`, `value`, `expected`. Nothing was
 * read and nothing written. Mailings treat it as an outage of the database, and go on when it is over.
 *
 * @nextStep Set the setting to what is expected; the message says how.
 */
export class UnsafeConnectionError extends HarmfulSettingError {
  readonly code = UNSAFE_CONNECTION;

  constructor(harmful: HarmfulSetting) {
    super('Connection to the database', 'The plugin runs no statement on such a connection.', harmful);
  }
}
