/**
 * The port to the list of addresses that must not be mailed, with or without a profile: addresses of people without a profile that want no
 * mail, addresses from which a complaint came. Spelling does not matter: `A@x.example` on the list keeps `a@X.example` from being mailed.
 */
export interface SuppressionList {
  /**
   * Called once per commit of a run. If it rejects, or does not answer within `run.hostCallTimeoutMs`, it is called again later, and no
   * message is sent before it has answered.
   *
   * @param addresses `local@domain`, the domain in ASCII.
   * @returns those of them that must not be mailed, spelled as in `addresses`.
   */
  findSuppressed(addresses: string[]): Promise<Set<string>>;
  /** Puts an address on the list; a second call is harmless. The reason is for people who look the address up. */
  suppress(address: string, reason: string): Promise<void>;
  /** Takes an address off the list; harmless if it is not there. */
  release(address: string): Promise<void>;
}
