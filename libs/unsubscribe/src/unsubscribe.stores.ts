import type {
  MailingEvents,
  ProfileRepository,
  SuppressionList,
  UnsubscribeTokens,
} from '../../mailing/src/index.js';

/** Where unsubscriptions are stored, and where they are reported. */
export interface StoreParts {
  tokens: UnsubscribeTokens;
  /** Called at each click, because the stores of the mailings are known only after the application was initialized. */
  profiles: () => ProfileRepository | null;
  suppressions: () => SuppressionList | null;
  /** Null if the application does not send mailings itself. */
  events: MailingEvents | null;
}

/** The parts of the unsubscriber. They are known after all modules were put together, because the host's classes may be in any of them. */
export class UnsubscribeStores {
  #parts: StoreParts | null = null;

  use(parts: StoreParts): void {
    this.#parts = parts;
  }

  get parts(): StoreParts {
    if (!this.#parts) throw new Error('The application has not been initialized yet.');
    return this.#parts;
  }

  /** Whether there is a store for at least one kind of recipient. */
  get hasAny(): boolean {
    const { profiles, suppressions } = this.parts;
    return profiles()?.setReceiveEmail !== undefined || suppressions() !== null;
  }
}
