/** The bytes of a message. Encoded for smtp, dots at line starts are doubled and the final dot is included; for nodemailer, neither. */
export interface WireContent {
  /** In this order; a string has one character per byte. */
  pieces: readonly (string | Buffer)[];
  /** RFC 6152: it contains bytes that are not ASCII. */
  is8Bit: boolean;
}
