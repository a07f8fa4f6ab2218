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
