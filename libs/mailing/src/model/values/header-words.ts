/** Characters of a subject, both as written in the info and as rendered, and of the value of an additional header. */
export const MAX_HEADER_VALUE = 10_000;

/** Characters of the name of an additional header, so that it fits a line. */
export const MAX_HEADER_NAME = 76;

/** Headers that the plugin or the mail library writes. Set by a host, they would break identity or delivery. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'from',
  'to',
  'cc',
  'bcc',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'x-mailing-id',
  'x-mailing-server',
  'x-mailing-run',
]);

/** RFC 5322 section 3.6.8: printable ASCII without colon. */
export const HEADER_NAME = /^[!-9;-~]+$/;

/** Additional headers of one mailing. */
export const MAX_HEADERS = 100;

/**
 * Characters of a word, between two spaces, that a header line carries unchanged. A line has at most 998 octets (RFC 5322 section 2.1.1)
 * and can be broken only at spaces; the rest is for the name of the header.
 */
export const MAX_HEADER_WORD = 900;

/**
 * Headers whose words mean something to programs, so that none of them may be replaced by encoded words (RFC 2047 section 5). All others
 * are treated as text.
 */
const STRUCTURED =
  /^(?:arc-.*|authentication-results|auto-submitted|autocrypt|disposition-notification-to|dkim-signature|errors-to|feedback-id|in-reply-to|list-.*|precedence|received|references|resent-.*|return-path|sender)$/i;

export function isStructuredHeader(name: string): boolean {
  return name.length <= MAX_HEADER_NAME && STRUCTURED.test(name);
}

const SPACE = 0x20;
const TAB = 0x09;

/** Characters of the longest run without a space, in one pass. */
export function longestWord(text: string): number {
  return longestRun(text, false);
}

/**
 * Characters of the longest run of spaces. In a folded header, more spaces than a line holds would leave a line of spaces only, which may
 * be read as the end of the head.
 */
export function longestGap(text: string): number {
  return longestRun(text, true);
}

function longestRun(text: string, ofSpaces: boolean): number {
  let longest = 0;
  let begin = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = text.charCodeAt(at);
    const isSpace = code === SPACE || code === TAB;
    if (at < text.length && isSpace === ofSpaces) continue;
    longest = Math.max(longest, at - begin);
    begin = at + 1;
  }
  return longest;
}
