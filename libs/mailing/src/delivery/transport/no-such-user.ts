/**
 * Enhanced codes that say permanently, and of the recipient itself, that the mailbox does not exist.
 *
 * RFC 3463: X.1.1, "the mailbox specified in the address does not exist"; X.1.6, "was at one time valid, but mail is no longer being accepted for
 * that address". RFC 7505: X.1.10, the domain says by its null MX that it accepts no mail at all.
 *
 * A profile marked invalid by mistake gets no mail from any mailing any more; one left valid by mistake costs one refusal per mailing. Therefore
 * excluded: X.1.2, also said of a whole domain by a relay whose name server fails; X.1.3, the reply of servers without SMTPUTF8 to a Unicode
 * address; X.1.7 and X.1.8, which are about the sender; X.2.x, where the mailbox exists; X.7.x (RFC 3463 "security or policy"), which is about
 * us. The registry of RFC 5248 has no other code for it.
 *
 * Also excluded are a plain 550, 551 and 553: RFC 5321 section 4.2.3 uses 550 for "not found, no access, or command rejected for policy reasons"
 * alike, and servers answer 551 and 553 to clients that they do not relay for.
 */
const NO_SUCH_USER = new Set(['5.1.1', '5.1.6', '5.1.10']);

/** @param code the recorded code of a permanent refusal: the enhanced code if there is one, else the reply code. */
export function isNoSuchUser(code: string): boolean {
  return NO_SUCH_USER.has(code);
}
