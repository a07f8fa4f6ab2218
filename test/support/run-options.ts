import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The command line of a benchmark, of kill tests or of drills could not be understood. */
export class RunUsageError extends Error {}

/** @throws RunUsageError for what is no option. */
export function parseWords<T extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: T,
  usage: string,
): ReturnType<typeof parseArgs<{ args: string[]; options: T }>>['values'] {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new RunUsageError(`${(error as Error).message}\n\n${usage}`);
  }
}

/** An option with a value. */
export function word(standard: string) {
  return { type: 'string', default: standard } as const;
}

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function wholeNumber(option: string, text: string, low: number, high: number, usage: string): number {
  if (Number.isInteger(Number(text)) && isBetween(text, low, high)) return Number(text);
  throw unexpected(option, `a whole number from ${low} to ${high}`, text, usage);
}

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function decimal(option: string, text: string, low: number, high: number, usage: string): number {
  if (isBetween(text, low, high)) return Number(text);
  throw unexpected(option, `a number from ${low} to ${high}`, text, usage);
}

/** @throws RunUsageError naming the option, what it should be, and what it was. */
export function oneOf<T extends string>(option: string, text: string, known: readonly T[], usage: string): T {
  const found = known.find((one) => one === text.trim());
  if (found !== undefined) return found;
  throw unexpected(option, `one of ${known.join(', ')}`, text, usage);
}

/** Names between commas. @throws RunUsageError for one that is not known. */
export function listOf<T extends string>(
  option: string,
  text: string,
  known: readonly T[],
  usage: string,
): T[] {
  return text.split(',').map((name) => oneOf(option, name, known, usage));
}

function isBetween(text: string, low: number, high: number): boolean {
  return text.trim() !== '' && Number(text) >= low && Number(text) <= high;
}

function unexpected(option: string, expected: string, text: string, usage: string): RunUsageError {
  return new RunUsageError(`--${option}: expected ${expected}, got "${text}".\n\n${usage}`);
}
