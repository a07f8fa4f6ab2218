import { callHost, type HostCallTerms } from '../../model/host-calls/host-call.js';
import { kindOf } from '../../model/values/value-kind.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { UnsubscribeRecipient } from '../../model/options/unsubscribe.options.js';
import { MAX_UNSUBSCRIBE_URL, type UnsubscribeSettings } from '../../model/options/unsubscribe.settings.js';
import { hasControlCharacters } from '../../model/values/bounded-text.js';

/** How one recipient of one mailing unsubscribes. */
export interface UnsubscribeLink {
  /** For the template, as `unsubscribeUrl`; encoded, so that it can end neither a header nor an attribute. */
  url: string;
  headers: Record<string, string>;
}

/** RFC 8058 section 3.1: the only value. */
const ONE_CLICK = 'List-Unsubscribe=One-Click';
const LIST_HEADER = /^list-unsubscribe(-post)?$/i;
const LINK = /^(https?|mailto):[\x21-\x7e]+$/;

/**
 * Makes the unsubscribe links of one mailing and the headers that carry them (RFC 2369, RFC 8058).
 *
 * `List-Unsubscribe-Post` is sent only with https: a mail provider must not post to any other URL, and some ignore both headers if it would have
 * to. If a mailing has such headers of its own, those are kept.
 */
export class UnsubscribeLinks {
  readonly #isHeaderTaken: boolean;

  private constructor(
    private readonly settings: UnsubscribeSettings,
    private readonly mailingId: string | null,
    headers: Record<string, string>,
  ) {
    this.#isHeaderTaken = Object.keys(headers).some((name) => LIST_HEADER.test(name));
  }

  /**
   * @returns null if there are no links: the host gives none, the mailing wants none, or all its messages go to one address, where the link would
   * unsubscribe another recipient.
   */
  static of(
    settings: UnsubscribeSettings | null,
    mailingId: string | null,
    info: TemplateEmailInfo,
  ): UnsubscribeLinks | null {
    if (!settings || info.unsubscribe === false || info.messageTo !== undefined) return null;
    return new UnsubscribeLinks(settings, mailingId, info.headers ?? {});
  }

  /**
   * @param terms how long the host's builder may take.
   * @returns the link at once, unless the host's builder returns a promise.
   * @throws what the host's builder throws or rejects with; HostSilentError; an Error that says what is wrong with the returned value.
   */
  linkFor(
    idx: number,
    email: string,
    userId: string | undefined,
    terms: HostCallTerms,
  ): UnsubscribeLink | Promise<UnsubscribeLink> {
    const { settings, mailingId } = this;
    const who = {
      mailingId,
      idx,
      email,
      ...(userId === undefined ? {} : { userId }),
    } satisfies UnsubscribeRecipient;
    const { url } = settings;
    if (!url) return this.#linkOf(null);
    const own = callHost(terms, () => url(who));
    return own instanceof Promise
      ? own.then((given) => this.#linkOf(toLink(given)))
      : this.#linkOf(toLink(own));
  }

  #linkOf(own: string | null): UnsubscribeLink {
    const { settings } = this;
    const links = [own, settings.mailto].filter((link) => link !== null);
    const headers: Record<string, string> = {};
    if (!this.#isHeaderTaken) {
      headers['List-Unsubscribe'] = links.map((link) => `<${link}>`).join(', ');
      if (own?.startsWith('https:')) headers['List-Unsubscribe-Post'] = ONE_CLICK;
    }
    return { url: links[0], headers };
  }
}

/** Called before parsing, and again after it, because encoding makes spaces and letters longer. */
function checkLength(link: string): void {
  if (link.length <= MAX_UNSUBSCRIBE_URL) return;
  throw new Error(
    `The option unsubscribe.url has to return a URL of at most ${MAX_UNSUBSCRIBE_URL} characters, and returned ${link.length}.`,
  );
}

/** The URL parser silently drops line breaks, so both its input and its output are checked. */
function toLink(value: unknown): string {
  const expected = 'The option unsubscribe.url has to return an absolute https, http or mailto URL';
  if (typeof value !== 'string') throw new Error(`${expected}, and returned ${kindOf(value)}.`);
  checkLength(value);
  if (hasControlCharacters(value)) throw new Error(`${expected}, and returned one with a line break.`);
  const link = URL.canParse(value) ? new URL(value).href : '';
  if (!LINK.test(link) || /[<>"]/.test(link)) throw new Error(`${expected}, and returned something else.`);
  checkLength(link);
  return link;
}
