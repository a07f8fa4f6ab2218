/** How a mailing is sent. */
export interface SendOptions {
  /** False: resolves when the mailing is finished. True: as soon as the request is safe. Default: true. */
  runInSeparateThread?: boolean;
  /** True: written to the database first, and survives anything. False: a crash loses the rest. Default: false. */
  persist?: boolean;
  /**
   * The same key again returns the mailing that was sent with it, whatever became of it, instead of sending another one:
   * also at the same moment, also from another server. Where the first list was never completed, it is written anew. 1 to
   * 255 characters; needs `persist`. Default: none.
   */
  idempotencyKey?: string;
  /** Not begun before this moment, and at most one heartbeat after it; needs `persist`. Default: at once. */
  sendAt?: Date;
  /**
   * A mailing that nobody could begin until this moment, because all servers were down, is not begun any more: it stays
   * `pending` with a reason until somebody calls `resume` or `cancel`. Needs `persist`. Default: never too late.
   */
  doNotStartAfter?: Date;
}
