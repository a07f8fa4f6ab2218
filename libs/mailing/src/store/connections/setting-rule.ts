import type { HarmfulSetting } from '../../model/errors/database-setting.errors.js';

/** Values of settings, by name, as the database reports them. */
export type Settings = ReadonlyMap<string, string>;

/** Runs a statement without parameters: a statement that checks whether parameters are safe can't have any. */
export type Ask = (sql: string) => Promise<Record<string, unknown>[]>;

/** A rule for one setting. */
export interface SettingRule {
  setting: string;
  expected: string;
  /** @returns the value, or the harmful word in it; null if it is harmless. */
  harmIn: (value: string) => string | null;
  /** What a harmful value causes, as a clause. */
  consequence: string;
  nextStep: string;
}

/** The settings that are checked on one kind of database, and how they are read. */
export interface Environment {
  read: (ask: Ask) => Promise<Settings>;
  /** The application does not start if a value breaks one of these rules. */
  refused: readonly SettingRule[];
  /** If a value breaks one of these rules, the application starts, and the event `database:risky-setting` reports it. */
  reported: readonly SettingRule[];
}

/** Rule: only these values are harmless, in any letter case. */
export const only =
  (...values: string[]) =>
  (value: string): string | null =>
    values.includes(value.toLowerCase()) ? null : value;

/** Rule: only these values are harmful, in any letter case. */
export const not =
  (...values: string[]) =>
  (value: string): string | null =>
    values.includes(value.toLowerCase()) ? value : null;

/** Returns the broken rules. A setting that the database does not know is harmless. */
export function harmfulAmong(rules: readonly SettingRule[], settings: Settings): HarmfulSetting[] {
  return rules.flatMap(({ setting, expected, harmIn, consequence, nextStep }) => {
    const value = settings.get(setting);
    const harm = value === undefined ? null : harmIn(value);
    return harm === null ? [] : [{ setting, value: harm, expected, consequence, nextStep }];
  });
}
