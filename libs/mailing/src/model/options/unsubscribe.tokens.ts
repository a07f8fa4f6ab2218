import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { checkMailingId, checkText, checkWholeNumber, MAX_IDX } from '../errors/argument.check.js';
import { MAX_ADDRESS } from '../addresses/email-address.js';
import { InvalidArgumentError } from '../errors/argument.errors.js';
import { MAX_USER_ID } from '../mail/listed-recipient.js';
import { UnsubscribeSecretError } from './setup.errors.js';

/** The recipient that unsubscribes, and the message that held the link. */
export interface UnsubscribeTarget {
  /** Null for a mailing that was not persisted. */
  mailingId: string | null;
  idx: number;
  /** Set for profiles. */
  userId?: string;
  /** `local@domain`; set for plain addresses, which have no other id. */
  email?: string;
}

export interface UnsubscribeTokensOptions {
  /**
   * How long a token is valid, in milliseconds; null: for ever. Default: null, because messages are read late, and a dead link leaves the
   * reader only the spam button.
   */
  lifetimeMs?: number | null;
}

/** Prefix of each token: the version of its format. */
const VERSION = '1';
const IV_BYTES = 16;
/** RFC 2104 section 5: half of the hash is the least that a MAC may be cut to. */
const MAC_BYTES = 16;
/** Longest token that is made or read. A link has to pass mail clients and proxies, and some of them cut long URLs. */
const MAX_TOKEN = 2_000;
const MIN_SECRET = 32;

interface Keys {
  cipher: Buffer;
  mac: Buffer;
}

type Payload = ['u' | 'a', string, string | null, number, number];

/**
 * Makes and reads the tokens of unsubscribe links.
 *
 * The token is the only proof that a link carries: by RFC 8058 the mail provider posts without cookies, login or anything else. So it is
 * signed (HMAC-SHA256). Links end up in access logs and browser histories, so the recipient in it is encrypted (AES-256-CTR, then signed).
 * The keys are derived from the secret for this purpose alone.
 *
 * @example
 * ```ts
 * const tokens = new UnsubscribeTokens([newSecret, oldSecret]);
 * const signed = tokens.sign({ mailingId, idx: 7, email: 'ann@home.example' });
 * const target = tokens.verify(signed); // null for anything that was not signed with one of the secrets
 * ```
 */
export class UnsubscribeTokens {
  readonly #keys: Keys[];
  readonly #lifetimeMs: number | null;

  /**
   * @param secrets the first one signs, all verify. To replace a secret, put the new one before it; remove the old one when its messages
   * are no longer read. Each has at least 32 characters.
   * @throws UnsubscribeSecretError without showing the secret; InvalidArgumentError if `lifetimeMs` is no whole number above 0.
   */
  constructor(secrets: string | readonly string[], { lifetimeMs = null }: UnsubscribeTokensOptions = {}) {
    const complaint = UnsubscribeTokens.complaintAbout(secrets);
    if (complaint) throw new UnsubscribeSecretError(complaint);
    this.#keys = [secrets].flat().map(keysOf);
    if (lifetimeMs !== null)
      checkWholeNumber('UnsubscribeTokens: lifetimeMs', lifetimeMs, 1, Number.MAX_SAFE_INTEGER);
    this.#lifetimeMs = lifetimeMs;
  }

  /** @returns what is wrong with the secrets, in words that do not show them; null if nothing is. */
  static complaintAbout(secrets: unknown): string | null {
    const list: unknown[] = [secrets].flat();
    if (list.length === 0) return 'an empty list';
    for (const one of list) {
      if (typeof one !== 'string') return `a value of type ${one === null ? 'null' : typeof one}`;
      if (one.length < MIN_SECRET) return `a text of ${one.length} characters`;
    }
    return null;
  }

  /**
   * Signs with the first secret. The token can be put into a URL as it is. Two tokens for one target differ, and both are valid.
   *
   * @throws InvalidArgumentError if the target has neither `userId` nor `email`, or a field is of the wrong type or out of its bounds. A
   * `userId` of up to 255 characters may need too long a token if most of them are control characters or not ASCII.
   */
  sign({ mailingId, idx, userId, email }: UnsubscribeTarget): string {
    if (mailingId !== null) checkMailingId('sign: mailingId', mailingId);
    checkWholeNumber('sign: idx', idx, 0, MAX_IDX);
    if (userId === undefined) checkText('sign: email', email, MAX_ADDRESS);
    else checkText('sign: userId', userId, MAX_USER_ID);
    const seconds = Math.floor(Date.now() / 1_000);
    const payload: Payload =
      userId === undefined
        ? ['a', email as string, mailingId, idx, seconds]
        : ['u', userId, mailingId, idx, seconds];
    const [keys] = this.#keys;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-ctr', keys.cipher, iv);
    const body = Buffer.concat([iv, cipher.update(JSON.stringify(payload)), cipher.final()]);
    const token = VERSION + Buffer.concat([body, macOf(keys, body)]).toString('base64url');
    if (token.length > MAX_TOKEN) {
      const argument = userId === undefined ? 'sign: email' : 'sign: userId';
      const expected = `a text that fits into a token of ${MAX_TOKEN} characters`;
      throw new InvalidArgumentError(argument, expected, userId ?? email);
    }
    return token;
  }

  /** @returns null if the token was not signed with one of the secrets, was changed, or has expired. */
  verify(token: unknown): UnsubscribeTarget | null {
    if (typeof token !== 'string' || token.length > MAX_TOKEN || !token.startsWith(VERSION)) return null;
    const encoded = token.slice(VERSION.length);
    const bytes = Buffer.from(encoded, 'base64url');
    // The decoder ignores characters that are not base64url, and bits after the last byte.
    if (bytes.toString('base64url') !== encoded || bytes.length < IV_BYTES + MAC_BYTES) return null;
    const body = bytes.subarray(0, -MAC_BYTES);
    const mac = bytes.subarray(-MAC_BYTES);
    const keys = this.#keys.find((one) => timingSafeEqual(macOf(one, body), mac));
    return keys ? this.#read(keys, body) : null;
  }

  #read(keys: Keys, body: Buffer): UnsubscribeTarget | null {
    const cipher = createDecipheriv('aes-256-ctr', keys.cipher, body.subarray(0, IV_BYTES));
    const text = Buffer.concat([cipher.update(body.subarray(IV_BYTES)), cipher.final()]).toString();
    const [kind, who, mailingId, idx, seconds] = JSON.parse(text) as Payload;
    if (this.#lifetimeMs !== null && Date.now() - seconds * 1_000 > this.#lifetimeMs) return null;
    return kind === 'u' ? { mailingId, idx, userId: who } : { mailingId, idx, email: who };
  }
}

/** Two keys from one secret: one key for two purposes could leak through one use what the other protects. */
function keysOf(secret: string): Keys {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `nestjs-mailing unsubscribe ${VERSION} ${purpose}`, 32));
  return { cipher: derive('cipher'), mac: derive('mac') };
}

function macOf({ mac }: Keys, body: Buffer): Buffer {
  return createHmac('sha256', mac).update(VERSION).update(body).digest().subarray(0, MAC_BYTES);
}
