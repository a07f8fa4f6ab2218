/**
 * What an answer of an API says about the message.
 *
 * - `refused`: it is refused for good, and no copy exists.
 * - `later`: it is refused for now; another attempt may succeed.
 * - `throttled`: fewer requests at a time are wanted; no attempt is counted.
 * - `outage`: the sender or its account is at fault, or the API is closed to it: no recipient is charged, the mailing waits and pauses.
 * - `unknown`: it may have been accepted.
 */
export type ApiVerdict = 'refused' | 'later' | 'throttled' | 'outage' | 'unknown';

/** What an API answered in place of accepting a message. */
export interface ApiAnswer {
  /** HTTP status of the answer. */
  status: number;
  /** The API's own word for it, at most 64 letters, digits, dots and hyphens. Default: the status. */
  code?: string;
  /** For people; 4,096 characters are read. Default: the status. */
  text?: string;
  /** Milliseconds that the API asks to wait; of `throttled` only. At most an hour is waited at a time. Default: the plugin's own back-off. */
  retryAfterMs?: number;
  /** Default: by the status, as docs/senders.md lists it. */
  verdict?: ApiVerdict;
}

/** Bytes of an answer that are read for its text. */
const MAX_BODY = 4_096;

/**
 * An API answered, and did not accept the message. Thrown by the `send` that a host gives to `ApiMessageSender`.
 *
 * @example
 * ```ts
 * const error = new ApiSendError({ status: 422, code: 'inactive', text: 'the address is blocked', verdict: 'refused' });
 * ```
 */
export class ApiSendError extends Error {
  override readonly name = 'ApiSendError';
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs?: number;
  readonly verdict?: ApiVerdict;

  constructor({ status, code, text, retryAfterMs, verdict }: ApiAnswer) {
    super(text ?? `status ${status}`);
    this.status = status;
    this.code = code ?? String(status);
    this.retryAfterMs = retryAfterMs;
    this.verdict = verdict;
  }

  /**
   * The error for an answer of `fetch`: its status, its `Retry-After` (RFC 9110 section 10.2.3), and the first 4,096 bytes of its body as the
   * text.
   *
   * @param more wins over what the answer says.
   *
   * @example
   * ```ts
   * const response = await fetch('https://api.post.example/emails', { method: 'POST' });
   * if (!response.ok) throw await ApiSendError.from(response);
   * ```
   */
  static async from(response: Response, more: Partial<ApiAnswer> = {}): Promise<ApiSendError> {
    const { status, statusText } = response;
    const body = await beginningOf(response);
    return new ApiSendError({
      status,
      text: [`${status} ${statusText}`.trim(), body].filter((part) => part !== '').join(': '),
      retryAfterMs: toMilliseconds(response.headers.get('retry-after')),
      ...more,
    });
  }
}

/** The rest of a body is not read: it may be as long as its sender likes. */
async function beginningOf({ body }: Response): Promise<string> {
  if (!body) return '';
  const read: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of body as AsyncIterable<Uint8Array>) {
      read.push(part);
      size += part.length;
      if (size >= MAX_BODY) break;
    }
  } catch {
    // The status is known, and says what matters.
  }
  return Buffer.concat(read).subarray(0, MAX_BODY).toString('utf8').trim();
}

function toMilliseconds(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const ms = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
  return ms > 0 ? ms : undefined;
}
