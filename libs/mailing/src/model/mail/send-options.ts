import type { EntityManager } from 'typeorm';

/** How a mailing is sent. */
export interface SendOptions {
  /** False: the call resolves when the mailing has ended. True: as soon as the request is safe. Default: true. */
  runInSeparateThread?: boolean;
  /** True: the mailing is written to the database first, and survives crashes. False: a crash loses the rest. Default: true. */
  persist?: boolean;
  /**
   * A call with a key that was used before returns the first mailing, whatever its state, and sends nothing. This holds for calls at the
   * same moment and on another server. If the first list was never completed, the list is written anew. 1 to 255 characters; needs
   * `persist`. Default: none.
   */
  idempotencyKey?: string;
  /** The mailing begins at this moment, or at most one heartbeat later, and never before; needs `persist`. Default: at once. */
  sendAt?: Date;
  /**
   * A mailing that has not begun by this moment, because all servers were down, does not begin any more. It stays `pending` with a reason
   * until `resume` or `cancel` is called. Needs `persist`. Default: no limit.
   */
  doNotStartAfter?: Date;
}

/** How a mailing is sent that is written within a transaction of the host. It is persisted, and the call never waits for its end. */
export interface TransactionalSendOptions extends SendOptions {
  /**
   * The manager of an open transaction on the plugin's data source, as `dataSource.transaction` gives it. The mailing and its list, of 10,000
   * recipients at most, become part of that transaction: they exist if and only if it commits, and no message is sent before. Await the call before
   * the next statement of the transaction.
   */
  transaction: EntityManager;
  runInSeparateThread?: true;
  persist?: true;
}

/** How an e-mail to one user is sent. */
export interface EmailToUserOptions extends SendOptions {
  /** Variables of the templates for this e-mail, over `params` of the info: a plain object, with the bounds of those. Default: none. */
  params?: Record<string, unknown>;
}
