import { domainToASCII } from 'node:url';
import { isValidLocalPart, MAX_ADDRESS, MAX_LOCAL_PART, MAX_MAILBOX_TEXT } from './email-address.js';
import { addressIn, hasInvisible, quotedAddress, tidied } from './recipient-address.js';
import { kindOf } from '../values/value-kind.js';
import { hasControlCharacters } from '../values/bounded-text.js';

const MAX_LABEL = 63;
const NOT_IN_BRACKETS = 'it is not a name and one address in angle brackets';

/**
 * Says what is wrong with a text that is no address of a recipient, for a sentence: "it has no @". The answer quotes nothing of the text.
 *
 * Called only for texts that `parseRecipient` refuses. Each check is one pass over at most 1,000 characters.
 */
export function addressFault(value: unknown): string {
  if (typeof value !== 'string') return `it is ${kindOf(value)}`;
  if (value.length > MAX_MAILBOX_TEXT) return 'it has more than 1,000 characters';
  const text = tidied(value);
  if (text === '') return 'it is empty';
  if (hasControlCharacters(text)) return 'it has a line break or another control character';
  const { before, address, after } = addressIn(text);
  const numSigns = text.split('@').length - 1;
  if (numSigns === 0) return 'it has no @';
  if (numSigns > 1 && /[\s,;<>]/.test(text) && !before.includes('"')) return 'it has more than one address';
  if (!after && /[<>]/.test(text)) return NOT_IN_BRACKETS;
  if (address.split('@').length > 2) return 'it has more than one @';
  if (!address.includes('@')) return 'its angle brackets hold no address';
  return partsFault(address) ?? (after ? NOT_IN_BRACKETS : 'it is no address');
}

function partsFault(address: string): string | null {
  const at = address.lastIndexOf('@');
  return localFault(address.slice(0, at)) ?? domainFault(address.slice(at + 1)) ?? lengthFault(address);
}

function localFault(local: string): string | null {
  if (local === '') return 'nothing stands before the @';
  if (hasInvisible(local)) return 'the part before the @ has an invisible character';
  if (local.includes('"'))
    return 'the part before the @ has quotes around what can be sent neither with them nor without';
  if (/\s/.test(local)) return 'it has a space inside';
  const length = Buffer.byteLength(quotedAddress(`${local}@`)) - 1;
  if (length > MAX_LOCAL_PART)
    return `the part before the @ has ${length} bytes, of at most ${MAX_LOCAL_PART}`;
  const withoutDots = local.replaceAll('.', '');
  if (withoutDots === '') return 'nothing but dots stands before the @';
  return isValidLocalPart(withoutDots)
    ? null
    : 'the part before the @ has a character that is not allowed there';
}

function domainFault(domain: string): string | null {
  if (domain === '') return 'nothing stands behind the @';
  if (/\s/.test(domain)) return 'it has a space inside';
  if (domain.startsWith('[')) return 'the part behind the @ is an address of a host and no domain';
  if (domain.endsWith('.')) return 'it ends with a dot';
  if (domain.startsWith('.')) return 'the part behind the @ begins with a dot';
  if (domain.includes('..')) return 'the part behind the @ has two dots in a row';
  if (/[,;]$/.test(domain)) return 'it ends with more than one comma or semicolon';
  const isLabelTooLong = domain.split('.').some(({ length }) => length > MAX_LABEL);
  if (isLabelTooLong) return `a label of the domain has more than ${MAX_LABEL} characters`;
  const ascii = domainToASCII(domain);
  const isName = /^[a-z0-9.-]+$/i.test(ascii) && !/(^|\.)-|-(\.|$)/.test(ascii);
  return isName ? null : 'the part behind the @ is no domain';
}

function lengthFault(address: string): string | null {
  return Buffer.byteLength(quotedAddress(address)) > MAX_ADDRESS
    ? `it has more than ${MAX_ADDRESS} bytes`
    : null;
}
