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
 * Skips addresses such as `josé@home.example`, which a mail server may not support.
 *
 * nodemailer sends them unchanged even if the server does not offer SMTPUTF8, and a careless server may deliver them to another mailbox. Only the
 * connection knows what the server offers, and nodemailer does not expose that: plugins get the message before there is a session, and the answer
 * does not have it. Rejected: asking over our own connection, which may reach another server if several share a name. So the host has to decide.
 */
export const unicodeLocalPartGate = new AddressRuleGate(
  'unicode local parts',
  (address) => !isAscii(address),
  SKIP,
);
