import { HostAnswerError } from '../model/host-call.js';
import { kindOf } from '../model/value-kind.js';
import type { RenderedEmail } from '../model/template.renderer.js';

const CALL = 'MailingTemplate.render';

/** @throws HostAnswerError unless a renderer gave what can be sent; it costs this recipient only. */
export function checkRendered(email: RenderedEmail): RenderedEmail {
  if (typeof email !== 'object' || email === null)
    throw new HostAnswerError(CALL, 'an object with a subject', kindOf(email));
  for (const part of ['subject', 'html', 'text'] as const) {
    const value: unknown = email[part];
    if (typeof value === 'string' || (value === undefined && part !== 'subject')) continue;
    throw new HostAnswerError(CALL, `${part} to be a text`, kindOf(value));
  }
  return email;
}
