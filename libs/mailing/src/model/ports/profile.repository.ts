/** What the plugin needs to know about a profile of the host. */
export interface RecipientProfile {
  email: string | null;
  name?: string;
  /** `invalid` profiles are skipped. */
  emailStatus?: 'valid' | 'invalid';
  /** False: the person behind the profile wants no mail, and the profile is skipped. Default: true. */
  receiveEmail?: boolean;
  /** When this profile was last mailed, by any mailing. Default: never. */
  lastEmailed?: Date | null;
  locale?: string;
  /** Template variables of this profile. */
  data?: Record<string, unknown>;
}

/**
 * The port to the host's profiles. Give a class by the option `profileRepository`; a provider of the host is used as it is, any other class
 * is instantiated by Nest with its dependencies.
 *
 * @example
 * ```ts
 * @Injectable()
 * class CustomerProfiles implements ProfileRepository {
 *   constructor(@InjectRepository(Customer) private readonly customers: Repository<Customer>) {}
 *
 *   async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
 *     const rows = await this.customers.findBy({ id: In(ids) });
 *     return new Map(rows.map((row) => [row.id, { email: row.email, name: row.name }]));
 *   }
 * }
 * ```
 */
export interface ProfileRepository {
  /**
   * Called once per commit of a run, with the ids of that commit. The map leaves out ids without a profile. If it rejects, or does not
   * answer within `run.hostCallTimeoutMs`, it is called again later, and no recipient is skipped for that.
   */
  findByIds(ids: string[]): Promise<Map<string, RecipientProfile>>;
  /** Marks all profiles with these addresses valid or invalid. */
  setEmailStatus?(emails: string[], status: 'valid' | 'invalid'): Promise<void>;
  /** Records when profiles were mailed; contact fatigue is judged by it. */
  setLastEmailed?(ids: string[], at: Date): Promise<void>;
  /** Records that the people behind these profiles want no mail any more, or want it again. */
  setReceiveEmail?(ids: string[], receive: boolean): Promise<void>;
}
