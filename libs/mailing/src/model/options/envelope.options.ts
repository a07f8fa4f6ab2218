/** The recipient that an envelope sender is asked for. */
export interface EnvelopeRecipient {
  /** Null for a mailing that is not persisted. */
  mailingId: string | null;
  idx: number;
  /** `local@domain`, the domain in ASCII. */
  email: string;
  /** Set for profiles. */
  userId?: string;
}

/** Makes the envelope sender of one recipient's message: one address without a name; null for that of `from`. Not async. */
export type EnvelopeFrom = (recipient: EnvelopeRecipient) => string | null;
