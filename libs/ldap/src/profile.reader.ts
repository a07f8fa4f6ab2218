import type { Entry } from 'ldapts';
import type { RecipientProfile } from '../../mailing/src/index.js';
import type { LdapAttributeSettings } from './ldap-profile.options.js';

/** Reads a profile from an entry. */
export class ProfileReader {
  /** The attributes to request from the directory. */
  readonly attributes: string[];

  constructor(private readonly settings: LdapAttributeSettings) {
    const { email, name, locale, lastEmailed, emailStatus, receiveEmail, data } = settings;
    const named = [email, name, locale, lastEmailed, emailStatus?.attribute, receiveEmail?.attribute];
    const wanted = [...named, ...Object.values(data)].filter((one) => typeof one === 'string');
    this.attributes = [...new Set(wanted)];
  }

  read(entry: Entry): RecipientProfile {
    const values = textsOf(entry);
    const first = (attribute: string | null): string | undefined =>
      attribute === null ? undefined : values(attribute)[0];
    const { email, name, locale, lastEmailed, emailStatus, receiveEmail, data } = this.settings;
    const profile: RecipientProfile = { email: first(email) ?? null };
    assign(profile, 'name', first(name));
    assign(profile, 'locale', firstLanguage(first(locale)));
    assign(profile, 'lastEmailed', toDate(first(lastEmailed)));
    if (emailStatus) {
      profile.emailStatus = isOneOf(emailStatus.invalid, values(emailStatus.attribute)) ? 'invalid' : 'valid';
    }
    if (receiveEmail) profile.receiveEmail = !isOneOf(receiveEmail.no, values(receiveEmail.attribute));
    const variables = Object.entries(data).flatMap(([variable, attribute]) => {
      const all = values(attribute);
      return all.length === 0 ? [] : [[variable, all.length === 1 ? all[0] : all] as const];
    });
    if (variables.length > 0) profile.data = Object.fromEntries(variables);
    return profile;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Servers answer with the name of an attribute in their own spelling. */
function textsOf(entry: Entry): (attribute: string) => string[] {
  const byName = new Map(Object.entries(entry).map(([name, values]) => [name.toLowerCase(), values]));
  return (attribute) => [byName.get(attribute.toLowerCase()) ?? []].flat().flatMap(textOf);
}

/** If not all values are UTF-8, the client gives every one as bytes. Those that are text are used, for example one that says "no mail". */
function textOf(value: string | Buffer): string[] {
  if (typeof value === 'string') return [value];
  try {
    return [UTF8.decode(value)];
  } catch {
    return [];
  }
}

function assign<K extends keyof RecipientProfile>(
  profile: RecipientProfile,
  key: K,
  value: RecipientProfile[K],
): void {
  if (value !== undefined) profile[key] = value;
}

function isOneOf(words: string[], values: string[]): boolean {
  const wanted = words.map((word) => word.toLowerCase());
  return values.some((value) => wanted.includes(value.trim().toLowerCase()));
}

/** Characters of a list of languages, or of a time, that are read; in some directories, users write their entries themselves. */
const MAX_LOOKED_AT = 100;

/** RFC 2798 writes it as browsers do: `de-AT, en;q=0.5`. */
function firstLanguage(value: string | undefined): string | undefined {
  return value?.slice(0, MAX_LOOKED_AT).split(/[,;]/)[0].trim() || undefined;
}

/** @returns undefined for a value that is no time. */
function toDate(value = ''): Date | undefined {
  if (value.length > MAX_LOOKED_AT) return undefined;
  const generalized = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{2,4})$/.exec(value);
  let text = value;
  if (generalized) {
    const [, year, month, day, hour, minute = '00', second = '00', zone] = generalized;
    const offset = zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(3) || '00'}`;
    text = `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`;
  }
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
