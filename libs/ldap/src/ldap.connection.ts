import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Client, type Entry, type SearchOptions } from 'ldapts';
import type { LdapClientSettings } from './ldap-client.options.js';
import { LdapUnavailableError } from './ldap.errors.js';

const KEEP_ALIVE_MS = 30_000;

/** Result codes by which a directory says that there is no such entry: RFC 4511, noSuchObject (32) and invalidDNSyntax (34). */
const NO_ENTRY = [32, 34];

/**
 * One connection to the directory, logged in, until it breaks.
 *
 * The LDAP client reconnects by itself, but anonymously. Most directories tell an anonymous client that their entries do not exist, and
 * recipients would be skipped for it. So a connection that is lost here stays lost.
 */
export class LdapConnection {
  readonly #settings: LdapClientSettings;
  readonly #client: Client;
  #socket: Socket | undefined;
  #isAlive = true;

  private constructor(settings: LdapClientSettings) {
    this.#settings = settings;
    this.#client = new Client({
      url: settings.url,
      timeout: settings.timeoutMs,
      createConnection: ((port: number, host: string) =>
        this.#only(() => connectTcp(port, host))) as typeof connectTcp,
      // Not with `ldap:`: it would also be used for StartTLS, which has a socket already.
      ...(settings.url.startsWith('ldaps:') && {
        createSecureConnection: ((port: number, host: string) =>
          this.#only(() => connectTls({ ...tlsOptions(settings), port, host }))) as typeof connectTls,
      }),
    });
  }

  /** @throws LdapUnavailableError if the connection is not logged in within `connectTimeoutMs`. */
  static async open(settings: LdapClientSettings): Promise<LdapConnection> {
    const connection = new LdapConnection(settings);
    await connection.#begin();
    return connection;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /**
   * @returns the entry of that name, or null if the directory says that there is none.
   * @throws LdapUnavailableError if the directory answers anything else, or nothing.
   */
  async entryOf(dn: string, attributes: string[]): Promise<Entry | null> {
    const found = await this.#ask('a look-up', async () => {
      try {
        return await this.#client.search(dn, this.#options({ scope: 'base', attributes }));
      } catch (error) {
        if (NO_ENTRY.includes(resultCode(error) ?? 0)) return null;
        throw error;
      }
    });
    if (found === null) return null;
    const { searchEntries, searchReferences } = found;
    if (searchEntries.length === 0 && searchReferences.length > 0) {
      const cause = 'it refers to another server.';
      throw new LdapUnavailableError(this.#settings.url, 'a look-up', cause, 'Name one that holds them all.');
    }
    return searchEntries[0] ?? null;
  }

  /** Names of the entries below `base`, page by page. */
  async *pages(base: string, filter: string, pageSize: number): AsyncGenerator<string[]> {
    const pages = this.#client.searchPaginated(
      base,
      // "1.1" asks for no attribute; the name comes with every entry.
      this.#options({ scope: 'sub', filter, attributes: ['1.1'], paged: { pageSize } }),
    );
    for (;;) {
      const { done, value } = await this.#ask('a page of a search', () => pages.next());
      if (done) return;
      yield value.searchEntries.map(({ dn }) => dn);
    }
  }

  /** Ends the session in order if the connection is alive. */
  async close(): Promise<void> {
    const wasAlive = this.#isAlive;
    this.#isAlive = false;
    if (wasAlive) await this.#client.unbind().catch(() => {});
    this.#socket?.destroy();
  }

  /** The one socket of this connection. */
  #only<T extends Socket>(connect: () => T): T {
    if (this.#socket) throw new Error('the connection is gone.');
    const socket = connect();
    this.#socket = socket;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // While an answer is awaited, its timer keeps the process alive. This socket must not keep alive a process that is done.
    socket.unref();
    socket.once('close', () => (this.#isAlive = false));
    return socket;
  }

  async #begin(): Promise<void> {
    const { url, connectTimeoutMs } = this.#settings;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const error = new Error(`not connected within ${connectTimeoutMs} ms.`);
      timer = setTimeout(() => reject(error), connectTimeoutMs);
    });
    try {
      await Promise.race([this.#logIn(), deadline]);
    } catch (error) {
      this.#drop();
      const isLogin = resultCode(error) !== undefined;
      const nextStep = isLogin ? 'See bindDn, bindPassword and startTls.' : undefined;
      throw new LdapUnavailableError(url, isLogin ? 'logging in' : 'connecting', error, nextStep);
    } finally {
      clearTimeout(timer);
    }
  }

  async #logIn(): Promise<void> {
    const { login, startTls } = this.#settings;
    if (startTls) await this.#client.startTLS(tlsOptions(this.#settings));
    if (login) await this.#client.bind(login.dn, login.password);
    else await this.#greet();
  }

  /** Makes the client connect: it does so at the first request, and several requests at once would each open a connection. */
  async #greet(): Promise<void> {
    try {
      await this.#client.search('', this.#options({ scope: 'base', attributes: ['1.1'] }));
    } catch (error) {
      if (resultCode(error) === undefined) throw error;
    }
  }

  async #ask<T>(step: string, question: () => Promise<T>): Promise<T> {
    try {
      if (!this.#isAlive) throw new Error('the connection is gone.');
      return await question();
    } catch (error) {
      // After a request without an answer, it is not known to which request the next answer belongs.
      if (resultCode(error) === undefined) this.#drop();
      throw new LdapUnavailableError(this.#settings.url, step, error);
    }
  }

  #drop(): void {
    this.#isAlive = false;
    this.#socket?.destroy();
  }

  #options(options: SearchOptions): SearchOptions {
    return { ...options, timeLimit: Math.ceil(this.#settings.timeoutMs / 1_000) };
  }
}

/** A certificate is checked against the name of the host, which an upgraded socket does not know. */
function tlsOptions({ host, tls }: LdapClientSettings): ConnectionOptions {
  return { host, ...(isIP(host) === 0 && { servername: host }), ...tls };
}

/** @returns undefined if the error is no answer of the directory. */
function resultCode(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}
