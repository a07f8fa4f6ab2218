/** What one run works on. Code that runs a slice does not know which of the two it is. */
export interface Slice {
  mailingId: string;
  /** The part of a batched mailing that is worked on; null: the mailing as a whole. */
  batch: BatchRange | null;
}

/** Places of the list, from `startIdx` up to, not including, `endIdx`. */
export interface BatchRange {
  startIdx: number;
  endIdx: number;
}

/** A batch, never a whole mailing. */
export interface BatchSlice extends Slice {
  batch: BatchRange;
}
