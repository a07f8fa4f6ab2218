import { isAscii } from '../mime/is-ascii.js';
import { AddressRuleGate } from './address-rule.gate.js';
import type { Skip } from './recipient.policy.js';

const SKIP: Skip = {
  skip: 'unicode_local_part',
  text:
    'The part before the @ is not ASCII, which only mail servers with SMTPUTF8 take. ' +
    'If yours offers it, set addresses.unicodeLocalParts to send.',
};

/**
 * Keeps addresses such as `josé@home.example` from a mail server that may not know what to do with them.
 *
 * nodemailer hands them over as they are where the server does not offer SMTPUTF8, and a server that looks away may take them
 * for somebody else. What a server offers is known to the connection alone, which nodemailer shows to nobody: not to plugins,
 * which have the message before there is a session, and not in the answer. Asking over a connection of our own would be
 * asking another server where several share a name. So it is up to the host to know.
 */
export const unicodeLocalPartGate = new AddressRuleGate(
  'unicode local parts',
  (address) => !isAscii(address),
  SKIP,
);
