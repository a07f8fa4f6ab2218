import { AttachmentDownloadError, AttachmentTooLargeError } from '../../model/mail/attachment.errors.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { InvalidFieldError } from '../../model/errors/request.errors.js';

type Limits = MailingSettings['attachments'];

const MAX_REDIRECTS = 5;

/**
 * Downloads one file of at most `maxBytes`.
 *
 * @throws InvalidFieldError unless `href` is an absolute http or https URL without a login; AttachmentTooLargeError; AttachmentDownloadError for
 * every status but 200, for redirects to other schemes than http or https, and for an answer that is not complete in time.
 */
export async function downloadAttachment(
  field: string,
  href: unknown,
  { maxBytes, fetchTimeoutMs }: Limits,
): Promise<Buffer> {
  let url = typeof href === 'string' && URL.canParse(href) ? new URL(href) : null;
  if (!url || !isHttp(url)) {
    throw new InvalidFieldError(`${field}.href`, 'an absolute http or https URL', href);
  }
  const shownUrl = `${url.origin}${url.pathname}`;
  if (hasLogin(url)) {
    const expected = 'a URL without a login; fetch the file yourself and give its content';
    throw new InvalidFieldError(`${field}.href`, expected, `${url.protocol}//…@${url.host}${url.pathname}`);
  }
  const signal = AbortSignal.timeout(fetchTimeoutMs);
  const failed = (reason: string, cause?: unknown): AttachmentDownloadError =>
    new AttachmentDownloadError(field, shownUrl, reason, cause);
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await fetch(url.href, { redirect: 'manual', signal });
      const target = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null;
      if (target === null) {
        if (answer.status === 200) return await bodyOf(field, answer, maxBytes);
        await answer.body?.cancel();
        throw failed(`status ${answer.status}`);
      }
      await answer.body?.cancel();
      if (!URL.canParse(target, url.href)) throw failed('a redirect to nowhere');
      url = new URL(target, url);
      if (!isHttp(url)) throw failed(`a redirect to ${url.protocol}`);
      if (hasLogin(url)) throw failed('a redirect to a URL with a login');
    }
    throw failed(`more than ${MAX_REDIRECTS} redirects`);
  } catch (error) {
    if (error instanceof AttachmentDownloadError || error instanceof AttachmentTooLargeError) throw error;
    const reason = signal.aborted
      ? `no complete answer within ${fetchTimeoutMs} ms`
      : 'the connection failed';
    throw failed(reason, error);
  }
}

/** Counts the bytes as they arrive, because a declared length may be wrong. */
async function bodyOf(field: string, answer: Response, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of answer.body ?? []) {
    size += (piece as Uint8Array).length;
    if (size > maxBytes) throw new AttachmentTooLargeError(field, maxBytes);
    pieces.push(piece as Uint8Array);
  }
  return Buffer.concat(pieces);
}

function isHttp({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:';
}

/** Checked here, because `fetch` refuses such URLs with an error that shows the login. */
function hasLogin({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}
