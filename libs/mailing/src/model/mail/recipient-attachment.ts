/** A file that goes to one recipient alone. */
export interface RecipientAttachment {
  /** The name the recipient sees; at most 255 characters. */
  filename: string;
  /** The content itself; it must not change before the message has left. */
  content: string | Uint8Array;
  /** MIME type; by default derived from the filename. */
  contentType?: string;
  /** Content id for `<img src="cid:…">`. */
  cid?: string;
}
