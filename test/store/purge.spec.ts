import { readFile } from 'node:fs/promises';
import { mailingEntities } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { freshDatabase } from '../support/databases/fresh-database.js';
import { writtenList } from '../support/databases/written-list.js';

const PAGE = 'docs/scaling.md';

/** The statements of the page that delete a mailing, for the recipients from the first one on. */
async function purgeOf(mailingId: string): Promise<string[]> {
  const statements = [...(await readFile(PAGE, 'utf8')).matchAll(/^DELETE FROM .*;$/gm)];
  return statements.map(([sql]) =>
    sql.replace('mailing_id = ?', `mailing_id = '${mailingId}'`).replaceAll('?', '0'),
  );
}

forEachDatabase('the purge that docs/scaling.md describes', (kind) => {
  it('names each table that has rows of a mailing, by a statement that works, and says of the others that they stay', async () => {
    await using fresh = await freshDatabase(kind);
    const { dataSource } = fresh;
    const persister = new TemplateEmailPersister(new MailingDatabase(dataSource));
    const purged = await writtenList(persister, 'test:1', 1_000, 100);
    const kept = await writtenList(persister, 'test:1', 1_000);

    const statements = await purgeOf(purged);
    for (const sql of statements) await dataSource.query(sql);

    const tables = mailingEntities.map((entity) => dataSource.getMetadata(entity));
    const named = statements.map((sql) => /^DELETE FROM (\w+)/.exec(sql)![1]);
    const ofMailings = tables.filter(({ columns }) =>
      columns.some((column) => column.databaseName === 'mailing_id'),
    );
    expect(named.sort()).toEqual(ofMailings.map(({ tableName }) => tableName).sort());
    const [, staying] = /^The other five stay: ([\s\S]*?)\n\n/m.exec(await readFile(PAGE, 'utf8'))!;
    const others = tables.filter((table) => !ofMailings.includes(table)).map(({ tableName }) => tableName);
    expect([...staying.matchAll(/`(dps_\w+)`/g)].map(([, table]) => table).sort()).toEqual(others.sort());

    const left: { mailing_id: string }[] = await dataSource.query(
      'SELECT DISTINCT mailing_id FROM dps_email_address',
    );
    expect(left.map(({ mailing_id }) => mailing_id)).toEqual([kept]);
  });
});
