/** A claim token is the incarnation of the process that drew it, `#`, and what tells it from the other tokens of that process. */
export function incarnationOf(claimToken: string): string {
  return claimToken.slice(0, claimToken.lastIndexOf('#'));
}

/** Whether this incarnation drew the token. An absent token or incarnation proves nothing. */
export function isDrawnBy(claimToken: string | null | undefined, incarnation: string | null): boolean {
  return Boolean(claimToken) && incarnation !== null && incarnationOf(claimToken as string) === incarnation;
}
