/** What follows DATA: with the dots at line starts doubled and the final dot. */
export interface WireContent {
  /** One after the other; a text has one character a byte. */
  pieces: readonly (string | Buffer)[];
  /** RFC 6152: it has bytes that are not ASCII. */
  is8Bit: boolean;
}
