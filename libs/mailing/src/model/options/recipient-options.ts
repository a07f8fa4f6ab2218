import type { AddressNormalizer } from '../addresses/address-key.js';

/** How addresses are compared, and which of them are mailed. */
export interface AddressOptions {
  /**
   * Decides which addresses are one mailbox, in a mailing and on the suppression list: those for which it returns the same text, for
   * example without the part after a plus sign. Mail goes to the address as it was given. The function gets `local@domain`, the domain in
   * ASCII, and must return the same text each time for the same address. Default: letter case, Unicode form and spelling of the domain do
   * not matter. Keys are stored: a change affects mailings that are sent from then on, and the suppression list keeps its old keys.
   */
  normalizer?: AddressNormalizer;
  /**
   * Whether mail goes to addresses whose part before the @ is not ASCII (`josé@home.example`). `send` only if every mail server that the
   * transport reaches offers SMTPUTF8; other servers may refuse such an address or deliver it to another mailbox. Default: `skip`, with the
   * reason `unicode_local_part`.
   */
  unicodeLocalParts?: 'send' | 'skip';
  /**
   * Whether mail goes to addresses whose part before the @ begins or ends with a dot or has two in a row (`try..this@home.example`), which
   * some providers gave out. Such an address is sent in quotes (`"try..this"@home.example`), as the standard requires, and is the same
   * mailbox. `send` for a list on which such addresses are real; on any other list they are typing errors, which mail servers refuse.
   * Default: `skip`, with the reason `non_standard_local_part`.
   */
  nonStandardLocalParts?: 'send' | 'skip';
}

/** What is read from profiles before a send, and what is written back. */
export interface ProfileOptions {
  /**
   * A profile that was mailed within this time, by any mailing, is skipped (`contact_fatigue`); in days of 24 hours. A mailing can ignore
   * this (`ignoreContactFatigue`). Judged by `lastEmailed` of the profile. Default: off. Bounds: 1 to 3,650. Too high: profiles get no mail
   * at all. Give this or `hoursContactFatigue`, not both.
   */
  daysContactFatigue?: number;
  /** The same in hours. Default: off. Bounds: 1 to 87,600. */
  hoursContactFatigue?: number;
  /**
   * Whether the profiles of an address are marked invalid (`ProfileRepository.setEmailStatus`) when the mail server says permanently that
   * there is no such user (5.1.1, 5.1.6, 5.1.10). Default: true. Other refusals never mark a profile.
   */
  invalidateRefused?: boolean;
}
