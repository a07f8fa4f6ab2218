import type { HarmfulSetting } from '../../model/errors/database-setting.errors.js';

/** What a database answered: values by the names of settings. */
export type Settings = ReadonlyMap<string, string>;

/** Runs a statement without parameters: one that looks whether parameters are safe can't have any. */
export type Ask = (sql: string) => Promise<Record<string, unknown>[]>;

/** One line of what is looked at. */
export interface SettingRule {
  setting: string;
  expected: string;
  /** @returns the value, or the word of it that does the harm; null if it does none. */
  harmIn: (value: string) => string | null;
  /** What happens under it, as a clause. */
  consequence: string;
  nextStep: string;
}

/** What is looked at in a kind of database, and how. */
export interface Environment {
  read: (ask: Ask) => Promise<Settings>;
  /** The application does not start under these. */
  refused: readonly SettingRule[];
  /** The application starts, and the event `database:risky-setting` says so. */
  reported: readonly SettingRule[];
}

/** Rule: nothing but this value, in any case of letters. */
export const only =
  (...values: string[]) =>
  (value: string): string | null =>
    values.includes(value.toLowerCase()) ? null : value;

/** Rule: anything but this value, in any case of letters. */
export const not =
  (...values: string[]) =>
  (value: string): string | null =>
    values.includes(value.toLowerCase()) ? value : null;

/** A setting that the database does not know does no harm. */
export function harmfulAmong(rules: readonly SettingRule[], settings: Settings): HarmfulSetting[] {
  return rules.flatMap(({ setting, expected, harmIn, consequence, nextStep }) => {
    const value = settings.get(setting);
    const harm = value === undefined ? null : harmIn(value);
    return harm === null ? [] : [{ setting, value: harm, expected, consequence, nextStep }];
  });
}
