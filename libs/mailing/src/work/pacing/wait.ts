/** What a run waits for, and since when by `performance.now()`. */
export interface Wait {
  /** One line without an address, in words that follow "waits for". */
  what: string;
  since: number;
}
