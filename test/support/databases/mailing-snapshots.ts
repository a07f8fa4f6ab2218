import type { MailingDatabase, Session } from '../../../libs/mailing/src/store/database/mailing.database.js';

/**
 * Restores older states of one mailing while applications work on it, as after a failover that loses commits, or on a lagging
 * node. Leases of servers are not touched.
 */
export class MailingSnapshots {
  private constructor(
    private readonly database: MailingDatabase,
    private readonly mailingId: string,
  ) {}

  /** @param database of one of the applications, because on SQLite a second connection would wait for the first. */
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

  /** Saves the current state under this name. */
  take(name: string): Promise<void> {
    return this.database.transaction((session) => this.#take(session, name));
  }

  /** Saves the current state under one name, and restores that of another. */
  exchange(kept: string, put: string): Promise<void> {
    return this.database.transaction((session) => this.exchangeIn(session, kept, put));
  }

  /** The same within a transaction of the caller. */
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

  /** In one transaction, so that no commit of an application comes between the two. */
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
