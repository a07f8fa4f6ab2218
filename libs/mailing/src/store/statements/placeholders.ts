/** `?, ?, ?` for a list of values. */
export function placeholders(values: readonly unknown[]): string {
  return Array.from(values, () => '?').join(', ');
}
