/**
 * The seam to addresses that nobody may mail, whoever they belong to: people without a profile who do not want mail, addresses
 * of a complaint. Spelling does not matter: `A@x.example` on the list keeps `a@X.example` from being mailed.
 */
export interface SuppressionList {
  /**
   * Called once for each commit of a run. Where it rejects, or does not answer within `run.hostCallTimeoutMs`, it is asked again later, and
   * no message is sent before it has answered.
   *
   * @param addresses `local@domain`, the domain in ASCII.
   * @returns those of them that nobody may mail, spelled as they were asked for.
   */
  findSuppressed(addresses: string[]): Promise<Set<string>>;
  /** Puts an address on the list; twice is harmless. The reason is for people who look it up. */
  suppress(address: string, reason: string): Promise<void>;
  /** Takes an address off the list; harmless if it is not there. */
  release(address: string): Promise<void>;
}
