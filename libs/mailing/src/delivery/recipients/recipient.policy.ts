import { addressFault } from '../../model/addresses/address-fault.js';
import { type Mailbox, toDisplayName } from '../../model/addresses/email-address.js';
import { notOneAddress } from '../../model/mail/listed-recipient.js';
import { parseRecipient } from '../../model/addresses/recipient-address.js';
import type { RecipientProfile } from '../../model/ports/profile.repository.js';
import type { MarkedRecipient } from '../../model/mail/recipient.js';

/** A recipient that may be mailed, with the variables of its templates. */
export interface Addressee {
  mailbox: Mailbox;
  /** Set for profiles. */
  userId?: string;
  variables: Record<string, unknown>;
  /** Set if the host's code failed for this recipient: it ends as an error with this code, and no message is made. */
  fault?: { code: string; error: unknown };
}

/** Why a recipient is not mailed. The word is stored as `error_code`, the text as `error_text`. */
export interface Skip {
  skip: string;
  text: string;
}

/** Limits how often a profile is mailed. */
export interface ContactFatigue {
  windowMs: number;
  /** When this process last mailed the profile, which `lastEmailed` may not show yet; milliseconds since 1970. */
  knownLastEmailed: (userId: string) => number | undefined;
}

/**
 * Decides, just before a message is made, whether and at which address a recipient is mailed.
 *
 * @param fatigue null: no limit. Only accepted messages count as mailed, so a recipient's own earlier attempts never prevent its retry.
 */
export function toAddressee(
  recipient: MarkedRecipient,
  profile: RecipientProfile | undefined,
  fatigue: ContactFatigue | null = null,
): Addressee | Skip {
  const { userId } = recipient;
  if (userId === undefined) return fromAddress(recipient);
  try {
    const addressee = fromProfile(userId, profile);
    if ('skip' in addressee || fatigue === null) return addressee;
    return tooRecent(fatigue, userId, profile?.lastEmailed) ?? addressee;
  } catch {
    // An unreadable profile of the host's repository must cost this recipient only.
    return {
      skip: 'invalid_profile',
      text: `The profile ${userId} can't be read: a field is of another type than it should be.`,
    };
  }
}

/** The clock of this process is accurate enough: times of profiles are the host's, and the window is hours long. */
function tooRecent(
  { windowMs, knownLastEmailed }: ContactFatigue,
  userId: string,
  lastEmailed: Date | null | undefined,
): Skip | null {
  const last = Math.max(lastEmailed?.getTime() || 0, knownLastEmailed(userId) ?? 0);
  if (last + windowMs <= Date.now()) return null;
  const hours = windowMs / 3_600_000;
  const length = hours % 24 === 0 ? `${hours / 24} d` : `${hours} h`;
  const when = new Date(last).toISOString();
  return {
    skip: 'contact_fatigue',
    text: `This person was mailed at ${when}; the next mail may follow ${length} later.`,
  };
}

function fromAddress({ email, name, data, isUnreadable }: MarkedRecipient): Addressee | Skip {
  if (isUnreadable)
    return { skip: 'invalid_recipient', text: 'What its row has in data is no plain object.' };
  const mailbox = parseRecipient(email);
  if (!mailbox) return { skip: 'invalid_address', text: notOneAddress(email) };
  return addressee(mailbox, name ?? '', data ?? {});
}

function fromProfile(userId: string, profile: RecipientProfile | undefined): Addressee | Skip {
  if (!profile) return { skip: 'no_profile', text: `There is no profile ${userId}.` };
  if (!profile.email) return { skip: 'no_address', text: `The profile ${userId} has no e-mail address.` };
  if (profile.emailStatus === 'invalid') {
    return { skip: 'email_status_invalid', text: 'Mail to this address came back or was refused before.' };
  }
  if (profile.receiveEmail === false) return { skip: 'opted_out', text: 'This person does not want mail.' };
  const mailbox = parseRecipient(profile.email);
  if (!mailbox) {
    const text = `The address of profile ${userId} is not valid: ${addressFault(profile.email)}.`;
    return { skip: 'invalid_address', text };
  }
  const data = { ...profile.data, ...(profile.locale && { locale: profile.locale }), userId };
  return { ...addressee(mailbox, profile.name ?? '', data), userId };
}

function addressee(mailbox: Mailbox, name: string, data: Record<string, unknown>): Addressee {
  const shownName = toDisplayName(name) || toDisplayName(mailbox.name);
  return {
    mailbox: { address: mailbox.address, name: shownName },
    // A null `name` in the data does not hide the known name.
    variables: { ...data, name: data.name ?? shownName, email: mailbox.address },
  };
}
