import { RenderedTooLongError } from '../../model/errors/bound.errors.js';
import { type Mailbox, MAX_MAILBOX_TEXT } from '../../model/addresses/email-address.js';
import { MAX_HEADER_VALUE } from '../../model/values/header-words.js';
import { HostAnswerError } from '../../model/host-calls/host-call.js';
import type { RenderedEmail, RenderedHeaders } from '../../model/ports/template.renderer.js';
import { isPlainObject, kindOf } from '../../model/values/value-kind.js';
import { toOneLine } from '../../model/values/bounded-text.js';

const CALL = 'MailingTemplate.render';

/**
 * A rendered subject in one line.
 *
 * @throws RenderedTooLongError for over 10,000 characters.
 */
export function toSubject(rendered: string): string {
  checkSubject(rendered);
  return toOneLine(rendered);
}

/**
 * Checks what a renderer returns, also a host's own. A fault costs this recipient only.
 *
 * @throws HostAnswerError if it is no object, or its subject, html or text is no string; RenderedTooLongError for a subject or a mailbox name
 * that is too long.
 */
export function checkRendered(email: RenderedEmail): void {
  if (typeof email !== 'object' || email === null)
    throw new HostAnswerError(CALL, 'an object with a subject', kindOf(email));
  for (const part of ['subject', 'html', 'text'] as const) {
    const value: unknown = email[part];
    if (typeof value === 'string' || (value === undefined && part !== 'subject')) continue;
    throw new HostAnswerError(CALL, `${part} to be a text`, kindOf(value));
  }
  checkSubject(email.subject);
  if (email.headers) checkHeaders(email.headers);
  const further: unknown = email.furtherHeaders;
  if (further !== undefined && !isPlainObject(further))
    throw new HostAnswerError(CALL, 'furtherHeaders to be an object', kindOf(further));
}

function checkSubject(subject: string): void {
  if (subject.length > MAX_HEADER_VALUE)
    throw new RenderedTooLongError('subject', subject.length, MAX_HEADER_VALUE);
}

function checkHeaders(headers: RenderedHeaders): void {
  for (const part of ['from', 'replyTo', 'cc', 'bcc'] as const) {
    const mailboxes: (Mailbox | undefined)[] = [headers[part]].flat();
    for (const { name = '' } of mailboxes.filter((one) => one !== undefined)) {
      if (name.length > MAX_MAILBOX_TEXT) throw new RenderedTooLongError(part, name.length, MAX_MAILBOX_TEXT);
    }
  }
}
