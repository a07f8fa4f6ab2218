import type { OnApplicationShutdown } from '@nestjs/common';
import {
  InvalidArgumentError,
  type ProfileRepository,
  type RecipientProfile,
} from '../../mailing/src/index.js';
import { LdapUnavailableError } from './ldap.errors.js';
import type { LdapConnection } from './ldap.connection.js';
import { LdapDirectory } from './ldap.directory.js';
import {
  type LdapProfileOptions,
  type LdapProfileSettings,
  toLdapProfileSettings,
} from './ldap-profile.options.js';
import { ProfileReader } from './profile.reader.js';
import { Semaphore } from './semaphore.js';

/** Requests no attribute. */
const NOTHING = ['1.1'];

/**
 * Profiles that are entries of an LDAP directory; their ids are distinguished names, of at most 255 characters.
 *
 * Each name is looked up by a search of its own, with up to `maxConcurrentLookups` in flight over one connection. Rejected: one search for
 * many names. The names would have to be compared here, and only the server knows whether `CN=Ann, O=Shop` and `cn=ann,o=shop` are one:
 * that depends on the schema.
 *
 * It reads and never writes. What the plugin records about profiles belongs in a second view, see `CompositeProfileRepository`.
 *
 * @example
 * ```ts
 * @Injectable()
 * class LdapProfiles extends LdapProfileRepository {
 *   constructor() {
 *     super({ url: 'ldaps://ldap.shop.example', base: 'ou=People,o=shop', attributes: { name: 'displayName' } });
 *   }
 * }
 * MailingModule.forRoot({ templates: { dir: join(import.meta.dirname, 'templates') }, profileRepository: LdapProfiles });
 * ```
 */
export class LdapProfileRepository implements ProfileRepository, OnApplicationShutdown {
  readonly #settings: LdapProfileSettings;
  readonly #directory: LdapDirectory;
  readonly #reader: ProfileReader;
  readonly #semaphore: Semaphore;

  /** @throws LdapOptionsError naming the option. */
  constructor(options: LdapProfileOptions) {
    this.#settings = toLdapProfileSettings(options);
    this.#directory = new LdapDirectory(this.#settings.client);
    this.#reader = new ProfileReader(this.#settings.attributes);
    this.#semaphore = new Semaphore(this.#settings.maxConcurrentLookups);
  }

  /**
   * Entries that do not exist, and ids that are no names of entries, are left out. The keys are the ids as they were given.
   *
   * @throws LdapUnavailableError if the directory does not answer, or has no `base`; InvalidArgumentError if an id is no text.
   */
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string'))
      throw new InvalidArgumentError('findByIds: ids', 'an array of texts', ids);
    // The empty name would find an entry too: that of the server itself.
    const names = [...new Set(ids)].filter((id) => id.trim() !== '');
    if (names.length === 0) return new Map();
    return this.#directory.ask((connection) => this.#find(connection, names));
  }

  /** Called by Nest if this is a provider. A connection that is never closed does not keep the process alive. */
  async onApplicationShutdown(): Promise<void> {
    await this.#directory.close();
  }

  async #find(connection: LdapConnection, names: string[]): Promise<Map<string, RecipientProfile>> {
    const found = new Map<string, RecipientProfile>();
    const lookUp = async (name: string): Promise<void> => {
      const entry = await connection.entryOf(name, this.#reader.attributes);
      if (entry) found.set(name, this.#reader.read(entry));
    };
    await Promise.all(names.map((name) => this.#semaphore.run(() => lookUp(name))));
    if (found.size < names.length) await this.#checkBase(connection);
    return found;
  }

  async #checkBase(connection: LdapConnection): Promise<void> {
    const { base, client } = this.#settings;
    if (base === null || (await connection.entryOf(base, NOTHING))) return;
    const reason = `it shows no entry ${base}, so a missing profile may be hidden instead of gone.`;
    throw new LdapUnavailableError(
      client.url,
      'a look-up',
      reason,
      'See base, bindDn and what that user may read.',
    );
  }
}
