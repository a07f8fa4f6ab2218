import type { MailingDatabase, Session } from '../../../libs/mailing/src/store/database/mailing.database.js';

/**
 * Older states of one mailing, put back while applications work on it: what they see of a database that went back in a failover, or of a node
 * that lags behind. The leases of servers stay as they are.
 */
export class MailingSnapshots {
  private constructor(
    private readonly database: MailingDatabase,
    private readonly mailingId: string,
  ) {}

  /** @param database of one of the applications: on SQLite there must be no second connection that waits for the first. */
  static async of(
    database: MailingDatabase,
    mailingId: string,
    names: readonly string[],
  ): Promise<MailingSnapshots> {
    const snapshots = new MailingSnapshots(database, mailingId);
    for (const name of names)
      for (const { table } of snapshots.#tables(database))
        await database.change(`CREATE TABLE ${name}_${plain(table)} AS SELECT * FROM ${table} WHERE 1 = 0`);
    return snapshots;
  }

  /** Keeps the state of this moment under the name. */
  take(name: string): Promise<void> {
    return this.database.transaction((session) => this.#take(session, name));
  }

  /** Keeps the state of this moment under one name, and puts back the one of another name. */
  exchange(kept: string, put: string): Promise<void> {
    return this.database.transaction((session) => this.exchangeIn(session, kept, put));
  }

  /** The same as a part of something more. */
  async exchangeIn(session: Session, kept: string, put: string): Promise<void> {
    await this.#take(session, kept);
    await this.#put(session, put);
  }

  put(name: string): Promise<void> {
    return this.database.transaction(async (session) => {
      await this.#lock(session);
      await this.#put(session, name);
    });
  }

  /** No commit of an application comes in between. */
  async #lock(session: Session): Promise<void> {
    const { mailBatch, mailing } = session.tables;
    await session.change(`UPDATE ${mailBatch} SET commit_seq = commit_seq WHERE mailing_id = ?`, [
      this.mailingId,
    ]);
    await session.change(`UPDATE ${mailing} SET commit_seq = commit_seq WHERE id = ?`, [this.mailingId]);
  }

  async #take(session: Session, name: string): Promise<void> {
    await this.#lock(session);
    for (const { table, key } of this.#tables(session))
      await session.change(`INSERT INTO ${name}_${plain(table)} SELECT * FROM ${table} WHERE ${key} = ?`, [
        this.mailingId,
      ]);
  }

  async #put(session: Session, name: string): Promise<void> {
    for (const { table, key } of this.#tables(session)) {
      await session.change(`DELETE FROM ${table} WHERE ${key} = ?`, [this.mailingId]);
      await session.change(`INSERT INTO ${table} SELECT * FROM ${name}_${plain(table)}`);
    }
  }

  #tables({ tables }: Session): { table: string; key: string }[] {
    const { mailBatch, mailing, emailAddress, userMailing, mailDeferred } = tables;
    return [
      { table: mailBatch, key: 'mailing_id' },
      { table: mailing, key: 'id' },
      ...[emailAddress, userMailing, mailDeferred].map((table) => ({ table, key: 'mailing_id' })),
    ];
  }
}

function plain(table: string): string {
  return table.replaceAll(/\W/g, '');
}
