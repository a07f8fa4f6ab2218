/** So many made-up readers, as a newsletter takes them. */
export function readerList(count: number): { email: string; name: string }[] {
  return Array.from({ length: count }, (_, n) => ({ email: readerAddress(n), name: `Reader ${n}` }));
}

export function readerAddress(n: number): string {
  return `reader${n}@home.example`;
}

export function readerAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, n) => readerAddress(n));
}
