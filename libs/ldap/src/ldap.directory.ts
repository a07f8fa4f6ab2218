import { LdapConnection } from './ldap.connection.js';
import type { LdapClientSettings } from './ldap-client.options.js';

/** Keeps one connection to the directory, and opens another when that one is gone. */
export class LdapDirectory {
  #kept: LdapConnection | null = null;
  #opening: Promise<LdapConnection> | null = null;

  constructor(private readonly settings: LdapClientSettings) {}

  /**
   * Asks something that may be asked twice: a connection that was kept may have broken unnoticed, which only an answer that
   * does not come can tell.
   */
  async ask<T>(question: (connection: LdapConnection) => Promise<T>): Promise<T> {
    const kept = this.#kept;
    if (!kept?.isAlive) return question(await this.#open());
    try {
      return await question(kept);
    } catch (error) {
      if (kept.isAlive) throw error;
      return question(await this.#open());
    }
  }

  /** A question after this gets a new connection. */
  async close(): Promise<void> {
    // One that is being opened would be kept behind this.
    await this.#opening?.catch(() => undefined);
    const kept = this.#kept;
    this.#kept = null;
    await kept?.close();
  }

  /** However many ask at a time, they wait for one. */
  async #open(): Promise<LdapConnection> {
    if (this.#kept?.isAlive) return this.#kept;
    this.#opening ??= LdapConnection.open(this.settings).finally(() => (this.#opening = null));
    return (this.#kept = await this.#opening);
  }
}
