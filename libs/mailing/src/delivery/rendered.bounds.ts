import { type Mailbox, MAX_MAILBOX_TEXT, toOneLine } from '../model/email-address.js';
import { RenderedTooLongError } from '../model/bound.errors.js';
import { MAX_HEADER_VALUE } from '../model/header-words.js';
import type { RenderedEmail, RenderedHeaders } from '../model/template.renderer.js';

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
 * Looks at the lengths of what a renderer gives, of the host's own too.
 *
 * @throws RenderedTooLongError
 */
export function checkRendered({ subject, headers }: RenderedEmail): void {
  checkSubject(subject);
  if (headers) checkHeaders(headers);
}

function checkSubject(subject: unknown): void {
  if (typeof subject === 'string' && subject.length > MAX_HEADER_VALUE)
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
