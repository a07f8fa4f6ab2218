import { type Mailbox, parseMailbox } from '../../model/addresses/email-address.js';

/** What makes the messages of one mailing recognizable. */
export class MessageIdentity {
  readonly #domain: string;

  /**
   * @param id of the mailing; for one that is not persisted, any id of its own.
   * @param from its domain is that of the message ids.
   */
  constructor(
    readonly id: string,
    from: string,
  ) {
    const { address } = parseMailbox(from) as Mailbox;
    this.#domain = address.slice(address.lastIndexOf('@') + 1);
  }

  /** The same for each attempt at one recipient (RFC 5322 section 3.6.4), so that the far end can drop a second copy. */
  messageId(idx: number): string {
    return `<${this.id}.${idx}@${this.#domain}>`;
  }
}
