/** Bytes of text in one encoded word: in base64, with its delimiters, they fill a line of 76 after a short header name. */
const BYTES_IN_A_WORD = 39;

/**
 * A header text as encoded words (RFC 2047 section 4.1), folded; each is on its own line and holds whole characters.
 *
 * The whole text is encoded, ASCII parts too, so that spaces between words need no special treatment.
 */
export function encodedWords(text: string): string {
  const bytes = Buffer.from(text);
  let words = '';
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(from + BYTES_IN_A_WORD, bytes.length);
    // Never split a character: its continuation bytes are 10xxxxxx.
    while (to < bytes.length && (bytes[to] & 0xc0) === 0x80) to--;
    words += `${from === 0 ? '' : '\r\n '}=?UTF-8?B?${bytes.toString('base64', from, to)}?=`;
    from = to;
  }
  return words;
}
