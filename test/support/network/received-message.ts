import { type ParsedMail, simpleParser } from 'mailparser';

export interface Envelope {
  /** Envelope sender, ASCII; empty for a bounce. */
  readonly from: string;
  /** Envelope recipients, ASCII. */
  readonly to: readonly string[];
}

/** A message whose final dot has arrived, whatever the server answered then. */
export class ReceivedMessage implements Envelope {
  readonly from: string;
  readonly to: readonly string[];
  readonly receivedAt = new Date();
  readonly size: number;
  /** The header as it is written, angle brackets included. */
  readonly messageId: string | undefined;
  private readonly kept: Buffer | undefined;

  constructor(
    envelope: Envelope,
    /** 1 for the first connection of the inbox. */
    readonly connection: number,
    raw: Buffer,
    keepRaw: boolean,
  ) {
    this.from = envelope.from;
    this.to = envelope.to;
    this.size = raw.length;
    this.messageId = headerOf(raw, 'Message-ID');
    this.kept = keepRaw ? raw : undefined;
  }

  /** The message as it went over the wire, without the dots that SMTP adds. */
  get raw(): Buffer {
    if (!this.kept) throw new Error('The inbox was told not to keep this message; see its option keepRaw.');
    return this.kept;
  }

  /** First header of that name, unfolded but not decoded. */
  header(name: string): string | undefined {
    return headerOf(this.raw, name);
  }

  parsed(): Promise<ParsedMail> {
    return simpleParser(this.raw);
  }
}

function headerOf(raw: Buffer, name: string): string | undefined {
  const end = raw.indexOf('\r\n\r\n');
  const head = raw.toString('utf8', 0, end < 0 ? raw.length : end).replace(/\r\n[ \t]+/g, ' ');
  const prefix = `${name.toLowerCase()}:`;
  const line = head.split('\r\n').find((candidate) => candidate.toLowerCase().startsWith(prefix));
  return line?.slice(prefix.length).trim();
}
