import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';

forEachDatabase('the adoption of mailings', (kind) => {
  let database: FreshDatabase;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    const facts = { subject: 'x', from: 'x@x.example', templateUrl: 'letter.hbs', createdAt: new Date() };
    await database.dataSource.getRepository(Mailing).insert([
      { ...facts, id: 'a', status: 'in_progress', uniqServerId: 'dead:1' },
      { ...facts, id: 'b', status: 'paused', uniqServerId: 'dead:1' },
      { ...facts, id: 'c', status: 'completed', uniqServerId: 'dead:1' },
      { ...facts, id: 'd', status: 'pending', uniqServerId: 'heir:2' },
    ]);
  });

  afterEach(() => database.dispose());

  const claims = (of = new MailingDatabase(database.dataSource)): MailingClaims => new MailingClaims(of);

  it('returns the mailings that moved, and no others', async () => {
    expect((await claims().adopt('dead:1', 'heir:2')).sort()).toEqual(['a', 'b']);
    expect(await claims().adopt('dead:1', 'heir:2')).toEqual([]);
  });

  it('does not return a mailing that another server took in between', async () => {
    const slow = new MailingDatabase(database.dataSource);
    const transaction = slow.transaction.bind(slow);
    slow.transaction = async (steps) => {
      await claims().adoptOne('a', 'dead:1', 'other:3');
      return transaction(steps);
    };
    expect(await claims(slow).adopt('dead:1', 'heir:2')).toEqual(['b']);
  });
});
