import { type Mailbox, parseMailbox, toOneLine } from '../model/email-address.js';
import type { RecipientProfile } from '../model/profile.repository.js';
import type { MarkedRecipient } from '../model/recipient.js';

/** A recipient who may be mailed, with the variables of his templates. */
export interface Addressee {
  mailbox: Mailbox;
  /** Set for profiles. */
  userId?: string;
  variables: Record<string, unknown>;
}

/** Why a recipient is not mailed. The word is stored as `error_code`, the text as `error_text`. */
export interface Skip {
  skip: string;
  text: string;
}

/** Decides, just before a message is made, whether and under which address a recipient is mailed. */
export function toAddressee(
  recipient: MarkedRecipient,
  profile: RecipientProfile | undefined,
): Addressee | Skip {
  return recipient.userId === undefined ? fromAddress(recipient) : fromProfile(recipient.userId, profile);
}

function fromAddress({ email, name, data }: MarkedRecipient): Addressee | Skip {
  const mailbox = parseMailbox(email);
  if (!mailbox) return { skip: 'invalid_address', text: 'This is not exactly one valid e-mail address.' };
  return addressee(mailbox, name ?? '', { ...data });
}

function fromProfile(userId: string, profile: RecipientProfile | undefined): Addressee | Skip {
  if (!profile) return { skip: 'no_profile', text: `There is no profile ${userId}.` };
  if (!profile.email) return { skip: 'no_address', text: `The profile ${userId} has no e-mail address.` };
  if (profile.emailStatus === 'invalid') {
    return { skip: 'email_status_invalid', text: 'Mail to this address came back or was refused before.' };
  }
  if (profile.receiveEmail === false) return { skip: 'opted_out', text: 'This person does not want mail.' };
  const mailbox = parseMailbox(profile.email);
  if (!mailbox) return { skip: 'invalid_address', text: `The address of profile ${userId} is not valid.` };
  return { ...addressee(mailbox, profile.name ?? '', { ...profile.data, userId }), userId };
}

function addressee(mailbox: Mailbox, name: string, data: Record<string, unknown>): Addressee {
  const shownName = toOneLine(name) || mailbox.name;
  return {
    mailbox: { address: mailbox.address, name: shownName },
    variables: { name: shownName, ...data, email: mailbox.address },
  };
}
