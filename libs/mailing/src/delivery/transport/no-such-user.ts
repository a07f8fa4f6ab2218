/**
 * Enhanced codes that say for good, and of the recipient himself, that nobody is there.
 *
 * RFC 3463: X.1.1, "the mailbox specified in the address does not exist"; X.1.6, "was at one time valid, but mail is no longer
 * being accepted for that address". RFC 7505: X.1.10, the domain says by its null MX that it takes no mail at all.
 *
 * Who is marked invalid by mistake gets no mail any more, from anybody; who is left valid by mistake costs one refusal a
 * mailing. Hence not: X.1.2, also said of a whole domain by a relay whose name server is in trouble; X.1.3, the answer
 * of servers without SMTPUTF8 to an address in Unicode; X.1.7 and X.1.8, which are about the sender; X.2.x, where the mailbox
 * exists; X.7.x (RFC 3463 "security or policy"), which is about us. The registry of RFC 5248 has nothing more for it.
 *
 * Nor a plain 550, 551 or 553: RFC 5321 section 4.2.3 uses 550 for "not found, no access, or command rejected for policy
 * reasons" alike, and servers answer 551 and 553 to whom they will not relay for.
 */
const NO_SUCH_USER = new Set(['5.1.1', '5.1.6', '5.1.10']);

/** @param code what is recorded of a permanent refusal: the enhanced code where there is one, else the reply code. */
export function isNoSuchUser(code: string): boolean {
  return NO_SUCH_USER.has(code);
}
