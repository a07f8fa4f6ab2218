const END_OF_DATA = '\r\n.\r\n';

/** Commands and replies of a mail server, as much as a sender without TLS and login needs. The caller decides when a reply is sent. */
export class SmtpDialogue {
  #recipients: string[] = [];
  /** Bytes of an incomplete command, or the last bytes of a body. */
  #pending = '';
  #isInBody = false;

  /**
   * @param hello the answer to EHLO.
   * @param received called for each message whose final dot has arrived.
   */
  constructor(
    private readonly hello: string,
    private readonly received: (recipients: string[]) => void,
  ) {}

  hear(text: string): void {
    this.#pending += text;
  }

  /** The reply to the next whole command, or to the end of a body; null if there is none yet. */
  next(): string | null {
    const ending = this.#isInBody ? END_OF_DATA : '\r\n';
    const end = this.#pending.indexOf(ending);
    if (end < 0) {
      if (this.#isInBody) this.#pending = this.#pending.slice(-END_OF_DATA.length);
      return null;
    }
    const line = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + ending.length);
    if (!this.#isInBody) return this.#replyTo(line);
    this.#isInBody = false;
    this.received(this.#recipients);
    this.#recipients = [];
    return '250 2.0.0 Taken\r\n';
  }

  #replyTo(line: string): string {
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
      case 'HELO':
        return this.hello;
      case 'MAIL':
      case 'RSET':
        this.#recipients = [];
        return '250 2.1.0 Go on\r\n';
      case 'RCPT':
        this.#recipients.push(line.slice(line.indexOf('<') + 1, line.indexOf('>')));
        return '250 2.1.5 Go on\r\n';
      case 'DATA':
        this.#isInBody = true;
        return '354 Go on\r\n';
      case 'QUIT':
        return '221 2.0.0 Bye\r\n';
      default:
        return '250 2.0.0 If you say so\r\n';
    }
  }
}
