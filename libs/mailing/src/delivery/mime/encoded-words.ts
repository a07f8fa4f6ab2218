/** Bytes of text in one encoded word: as base64, with what surrounds it, they fill a line of 76 behind a short header name. */
const BYTES_IN_A_WORD = 39;

/**
 * A text for a header as encoded words (RFC 2047 section 4.1), folded, each on a line of its own and of whole characters.
 *
 * The whole text goes into them, ASCII parts too: spaces between words need no thought then.
 */
export function encodedWords(text: string): string {
  const bytes = Buffer.from(text);
  let words = '';
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(from + BYTES_IN_A_WORD, bytes.length);
    // Not within a character: what continues one is 10xxxxxx.
    while (to < bytes.length && (bytes[to] & 0xc0) === 0x80) to--;
    words += `${from === 0 ? '' : '\r\n '}=?UTF-8?B?${bytes.toString('base64', from, to)}?=`;
    from = to;
  }
  return words;
}
