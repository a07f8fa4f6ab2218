/** An attachment of a message. */
export interface SentAttachment {
  filename: string | null;
  contentType: string | null;
  /** Of an image in the text. */
  cid: string | null;
  /** Null: it was given as a stream, and only `raw` of the message has it. */
  content: Buffer | null;
}

/** A message as the mail server got it; `MailingTesting.sentMessages` has them in the order of their arrival. */
export interface SentMessage {
  /** The address in `To`; several are separated by commas. */
  to: string;
  /** The address in `From`. */
  from: string;
  subject: string;
  /** Null: it has no such part. */
  html: string | null;
  /** Null: it has no such part. */
  text: string | null;
  /** By their names in lower case, in one line each, encoded as they were sent. Of several lines with one name, the last. */
  headers: Record<string, string>;
  attachments: SentAttachment[];
  /** With angle brackets. */
  messageId: string;
  /** What the mail server was told, with addresses of `bcc`. */
  envelope: { from: string; to: string[] };
  /** The whole message. */
  raw: string;
}
