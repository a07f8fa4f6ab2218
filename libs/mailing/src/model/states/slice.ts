/** What one run works on: a mailing or one batch. Code that runs a slice does not know which of the two it is. */
export interface Slice {
  mailingId: string;
  /** The batch of a batched mailing that is worked on; null: the mailing as a whole. */
  batch: BatchRange | null;
}

/** A range of the list by idx, from `startIdx` up to, not including, `endIdx`. */
export interface BatchRange {
  startIdx: number;
  endIdx: number;
}

/** A batch, never a whole mailing. */
export interface BatchSlice extends Slice {
  batch: BatchRange;
}
