/** A recipient given by address. */
export interface AddressRecipient {
  email: string;
  name?: string;
  /** This recipient's own template variables; stored as JSON when the mailing is persisted. */
  data?: Record<string, unknown>;
}

/** A recipient given by the id of a profile of the host; see `ProfileRepository`. */
export interface ProfileRecipient {
  userId: string;
}

/** An address (`ann@home.example` or `Ann <ann@home.example>`), an address with data, or a profile. */
export type Recipient = string | AddressRecipient | ProfileRecipient;

/** Everything that yields recipients one by one: an array, a generator, a CSV parser, a database cursor. */
export type Recipients = Iterable<Recipient> | AsyncIterable<Recipient>;

/** A recipient as the run meets it: marked `sending`, not yet rendered. */
export interface MarkedRecipient {
  /** Position in the mailing. */
  idx: number;
  /** Set for profiles. */
  userId?: string;
  /** Set for plain addresses, as the host gave it, trimmed. */
  email?: string;
  name?: string;
  data?: Record<string, unknown>;
}
