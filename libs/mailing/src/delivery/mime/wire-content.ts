/** What follows DATA: with the dots at line starts doubled and the final dot. */
export interface WireContent {
  /** In this order; a string has one character per byte. */
  pieces: readonly (string | Buffer)[];
  /** RFC 6152: it contains bytes that are not ASCII. */
  is8Bit: boolean;
}
