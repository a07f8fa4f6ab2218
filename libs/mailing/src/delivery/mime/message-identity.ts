import { type Mailbox, parseMailbox } from '../../model/addresses/email-address.js';

/** Makes the message ids of one mailing. */
export class MessageIdentity {
  readonly #domain: string;

  /**
   * @param id of the mailing; if it is not persisted, any unique id.
   * @param from its domain is the domain of the message ids.
   */
  constructor(
    readonly id: string,
    from: string,
  ) {
    const { address } = parseMailbox(from) as Mailbox;
    this.#domain = address.slice(address.lastIndexOf('@') + 1);
  }

  /** The same for each attempt at one recipient (RFC 5322 section 3.6.4), so that the receiving side can drop a second copy. */
  messageId(idx: number): string {
    return `<${this.id}.${idx}@${this.#domain}>`;
  }
}
