import { LdapConnection } from './ldap.connection.js';
import type { LdapClientSettings } from './ldap-client.options.js';

/** Keeps one connection to the directory, and opens another when that one is gone. */
export class LdapDirectory {
  #kept: LdapConnection | null = null;
  #opening: Promise<LdapConnection> | null = null;

  constructor(private readonly settings: LdapClientSettings) {}

  /** Runs requests that may be repeated: a kept connection may have broken unnoticed, and only an answer that does not come can tell. */
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

  /** A request after this opens a new connection. */
  async close(): Promise<void> {
    // A connection that is being opened would otherwise be kept after this.
    await this.#opening?.catch(() => undefined);
    const kept = this.#kept;
    this.#kept = null;
    await kept?.close();
  }

  /** Concurrent callers wait for the same connection. */
  async #open(): Promise<LdapConnection> {
    if (this.#kept?.isAlive) return this.#kept;
    this.#opening ??= LdapConnection.open(this.settings).finally(() => (this.#opening = null));
    return (this.#kept = await this.#opening);
  }
}
