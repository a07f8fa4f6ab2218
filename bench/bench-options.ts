import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The command line could not be understood. */
export class BenchUsageError extends Error {}

/** @throws BenchUsageError naming the option, what it should be, and what it was. */
export function wholeNumber(option: string, text: string, low: number, high: number, usage: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw new BenchUsageError(
    `--${option}: expected a whole number from ${low} to ${high}, got "${text}".\n\n${usage}`,
  );
}

/** @throws BenchUsageError for what is no option. */
export function parseWords<T extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: T,
  usage: string,
): ReturnType<typeof parseArgs<{ args: string[]; options: T }>>['values'] {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new BenchUsageError(`${(error as Error).message}\n\n${usage}`);
  }
}

/** An option with a value. */
export function word(standard: string) {
  return { type: 'string', default: standard } as const;
}
