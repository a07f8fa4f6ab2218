import type { EmailMessageSender, PreparedSender } from '../../model/ports/email-message.sender.js';
import { TransporterMissingError } from '../../model/options/setup.errors.js';

/** A sender that may hold connections. */
type ClosableSender = PreparedSender & { onApplicationShutdown?: () => void };

/** The message sender of each transport that a mailing names, made when the first one does. */
export class NamedSenders {
  readonly #byName = new Map<string, ClosableSender>();

  /**
   * @param usual that of mailings that name none.
   * @param usualName the name by which a mailing may ask for it, too.
   * @param make makes that of another transport; null: there are no others.
   */
  constructor(
    private readonly usual: EmailMessageSender,
    private readonly usualName: string | null,
    private readonly make: ((transporterName: string) => ClosableSender) | null,
  ) {}

  /** @throws TransporterMissingError if there is no such transport; BulkSmtpUnsupportedError if `bulkSmtp` can't use it. */
  of(transporterName?: string | null): EmailMessageSender {
    const name = transporterName ?? null;
    if (name === null || name === this.usualName) return this.usual;
    const known = this.#byName.get(name);
    if (known) return known;
    if (!this.make) throw new TransporterMissingError(name);
    const sender = this.make(name);
    sender.prepare();
    this.#byName.set(name, sender);
    return sender;
  }

  /** Nest closes the usual one. */
  onApplicationShutdown(): void {
    for (const sender of this.#byName.values()) sender.onApplicationShutdown?.();
  }
}
