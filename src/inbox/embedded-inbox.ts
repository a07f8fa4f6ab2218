import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/**
 * An SMTP server in this process that accepts every message and relays none, so that no mail leaves the machine.
 *
 * It counts a message when its final dot has arrived, before it answers: a sender that dies between the two has sent it.
 */
export class EmbeddedInbox {
  /** Copies for each envelope recipient. */
  readonly copies = new Map<string, number>();
  /** Messages by the EHLO name of their sender. */
  readonly messagesFrom = new Map<string, number>();
  /** The first message, as received on the wire. */
  sample: Buffer | null = null;
  readonly #server: SMTPServer;
  #onReceived: (numReceived: number) => void = () => undefined;

  private constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      logger: false,
      onData: (stream, session, done) => {
        void buffer(stream).then((raw) => {
          this.#take(
            raw,
            session.hostNameAppearsAs || '',
            session.envelope.rcptTo.map(({ address }) => address),
          );
          done();
        }, done);
      },
    });
    // A killed client resets its connections; this server exists for such clients.
    this.#server.on('error', () => undefined);
  }

  /** Listens on a free port of the loopback interface. */
  static async start(): Promise<EmbeddedInbox> {
    const inbox = new EmbeddedInbox();
    inbox.#server.listen(0, '127.0.0.1');
    await once(inbox.#server.server, 'listening');
    return inbox;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }

  /** A URL for a sender whose messages are counted in `messagesFrom`: the sender uses this EHLO name. */
  urlFor(name: string): string {
    return `${this.url}/?name=${encodeURIComponent(name)}`;
  }

  /** Distinct recipients that got at least one copy. */
  get numReceived(): number {
    return this.copies.size;
  }

  /** Copies beyond the first. */
  get numDuplicates(): number {
    let duplicates = 0;
    for (const copies of this.copies.values()) duplicates += copies - 1;
    return duplicates;
  }

  /** @param listener called after each message, before it is answered. */
  onReceived(listener: (numReceived: number) => void): void {
    this.#onReceived = listener;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #take(raw: Buffer, from: string, recipients: string[]): void {
    this.sample ??= raw;
    this.messagesFrom.set(from, (this.messagesFrom.get(from) ?? 0) + 1);
    for (const address of recipients) this.copies.set(address, (this.copies.get(address) ?? 0) + 1);
    this.#onReceived(this.copies.size);
  }
}
