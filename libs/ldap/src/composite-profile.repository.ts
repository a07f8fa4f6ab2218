import type { ProfileRepository, RecipientProfile } from '../../mailing/src/index.js';
import { custom, type OptionPlace, type OptionSchema, readOptions } from '../../mailing/src/parts.js';
import { LDAP_PLACE } from './ldap.errors.js';

/** What the plugin itself records about profiles; a directory rarely has attributes for it. */
const MAILING_COLUMNS: readonly ProfileColumn[] = ['emailStatus', 'receiveEmail', 'lastEmailed'];
const COLUMNS: readonly ProfileColumn[] = [...MAILING_COLUMNS, 'email', 'name', 'locale', 'data'];
const SETTERS = ['setEmailStatus', 'setLastEmailed', 'setReceiveEmail'] as const;

/** A field of a profile. */
export type ProfileColumn = keyof RecipientProfile;

/** The two views that `CompositeProfileRepository` is made of. */
export interface CompositeProfileOptions {
  /** Decides which profiles exist. Usually a directory. */
  primary: ProfileRepository;
  /** Has more fields of some of these profiles, under the same ids. Usually a table of the host. */
  secondary: ProfileRepository;
  /**
   * Fields that the second view decides wherever it has a value. Default: `['emailStatus', 'receiveEmail', 'lastEmailed']`. With `data`,
   * its variables are added to those of the first view, and replace those of the same name.
   */
  fromSecondary?: ProfileColumn[];
}

/** All options of a `CompositeProfileRepository`. */
export const COMPOSITE_OPTIONS = {
  primary: custom('`ProfileRepository`', 'required', readView),
  secondary: custom('`ProfileRepository`', 'required', readView),
  fromSecondary: custom(
    'list of fields',
    `\`[${MAILING_COLUMNS.map((name) => `'${name}'`).join(', ')}]\``,
    readColumns,
  ),
} satisfies OptionSchema<CompositeProfileOptions>;

/**
 * One repository made of two views of the same profiles. Each view is queried once for each commit of a run.
 *
 * A profile that is not in the first view does not exist, whatever the second one has. A profile that is not in the second view is as the
 * first one says. A setter writes to the second view, or to the first if only that one has the setter. A setter that neither view has is
 * missing here too.
 *
 * @example
 * ```ts
 * @Injectable()
 * class CustomerRows implements ProfileRepository {
 *   constructor(@InjectRepository(Customer) private readonly customers: Repository<Customer>) {}
 *
 *   async findByIds(dns: string[]): Promise<Map<string, RecipientProfile>> {
 *     const rows = await this.customers.findBy({ id: In(dns) });
 *     return new Map(rows.map((row) => [row.id, { email: null, receiveEmail: row.wantsMail }]));
 *   }
 * }
 *
 * @Injectable()
 * class CustomerProfiles extends CompositeProfileRepository {
 *   constructor(primary: LdapProfileRepository, secondary: CustomerRows) {
 *     super({ primary, secondary });
 *   }
 * }
 * ```
 */
export class CompositeProfileRepository implements ProfileRepository {
  readonly setEmailStatus?: ProfileRepository['setEmailStatus'];
  readonly setLastEmailed?: ProfileRepository['setLastEmailed'];
  readonly setReceiveEmail?: ProfileRepository['setReceiveEmail'];
  readonly #primary: ProfileRepository;
  readonly #secondary: ProfileRepository;
  readonly #fromSecondary: readonly ProfileColumn[];

  /** @throws LdapOptionsError naming the option. */
  constructor(options: CompositeProfileOptions) {
    const { primary, secondary, fromSecondary } = readOptions(LDAP_PLACE, COMPOSITE_OPTIONS, options);
    this.#primary = primary;
    this.#secondary = secondary;
    this.#fromSecondary = fromSecondary;
    for (const setter of SETTERS) {
      const view = [this.#secondary, this.#primary].find((one) => one[setter] !== undefined);
      // So a check whether a setter is there gives the answer of the views.
      if (view) Object.assign(this, { [setter]: view[setter]?.bind(view) });
    }
  }

  /** @throws whatever one of the views throws; then no profile counts as gone. */
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    const [profiles, more] = await Promise.all([
      this.#primary.findByIds(ids),
      this.#secondary.findByIds(ids),
    ]);
    return new Map([...profiles].map(([id, profile]) => [id, this.#merge(profile, more.get(id))]));
  }

  #merge(profile: RecipientProfile, more: RecipientProfile | undefined): RecipientProfile {
    if (!more) return profile;
    const decided = this.#fromSecondary
      .filter((column) => more[column] !== undefined)
      .map((column) => [column, column === 'data' ? { ...profile.data, ...more.data } : more[column]]);
    return { ...profile, ...Object.fromEntries(decided) };
  }
}

function readView(at: OptionPlace, value: unknown): ProfileRepository {
  const view = value as ProfileRepository | null | undefined;
  if (typeof view?.findByIds === 'function') return view;
  throw at.wrong('a ProfileRepository', value);
}

function readColumns(at: OptionPlace, given: unknown): readonly ProfileColumn[] {
  const value = given ?? MAILING_COLUMNS;
  if (Array.isArray(value) && value.every((column) => COLUMNS.includes(column))) return value;
  throw at.wrong(`a list of ${COLUMNS.join(', ')}`, value);
}
