import 'reflect-metadata';
import { mailingEntities, mailingMigrations, TemplateEmailPersister } from 'nestjs-mailing';
import { DataSource } from 'typeorm';
import type { Commit, CommitAnswer } from '../../libs/mailing/src/model/ports/ledger.js';
import type * as Listed from '../../libs/mailing/src/model/mail/listed-recipient.js';
import type * as Claims from '../../libs/mailing/src/store/claims/mailing-claims.js';
import type * as Database from '../../libs/mailing/src/store/database/mailing.database.js';
import type * as Ledger from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import type * as Server from '../../libs/mailing/src/store/servers/insert-server.js';
import { dataSourceOptionsOf } from '../../src/database/data-source.options.js';
import { answerParent, cpuMs } from '../answer-parent.js';
import type { ContenderAnswers, ContenderSettings } from '../speed/contender.js';
import { FROM, HTML_TEMPLATE, readers, SUBJECT } from '../letter.js';

// The package does not export the ledger, because no host uses it directly. It is imported from the build, as it is shipped.
const inPackage = (path: string): Promise<unknown> =>
  import(new URL(path, import.meta.resolve('nestjs-mailing')).href);
const { toListedRecipient } = (await inPackage('model/mail/listed-recipient.js')) as typeof Listed;
const { MailingClaims } = (await inPackage('store/claims/mailing-claims.js')) as typeof Claims;
const { MailingDatabase } = (await inPackage('store/database/mailing.database.js')) as typeof Database;
const { MailingLedger } = (await inPackage('store/ledger/mailing.ledger.js')) as typeof Ledger;
const { insertServer } = (await inPackage('store/servers/insert-server.js')) as typeof Server;

const SERVER = 'mail:1';
const INCARNATION = 'bench';
/** Recipients marked at a time. */
const MAX_IN_DOUBT = 1_000;

const { storeUrl } = JSON.parse(process.argv[2]) as ContenderSettings;
const dataSource = await new DataSource({
  ...dataSourceOptionsOf(storeUrl),
  entities: mailingEntities,
  migrations: mailingMigrations,
  migrationsRun: true,
}).initialize();
const database = new MailingDatabase(dataSource);
let ledger: Ledger.MailingLedger;

answerParent<ContenderAnswers>({
  prepare: async ({ recipients }) => {
    const mailingId = await writeList(recipients);
    const me = { uniqServerId: SERVER, incarnation: INCARNATION, hostname: 'bench', pid: process.pid };
    await insertServer(database, { ...me, pidNamespace: null, takesBatches: false });
    const claim = await new MailingClaims(database).claim(mailingId, SERVER, `${INCARNATION}#1`);
    if (!claim) throw new Error('The mailing could not be claimed.');
    ledger = new MailingLedger(database, claim);
  },
  send: async () => {
    const start = performance.now();
    const quiet = { deferred: [], returned: [], capacity: MAX_IN_DOUBT, inFlight: 0, release: null };
    let answer: CommitAnswer = await ledger.commit({ ...quiet, outcomes: [] });
    while (answer.kind === 'continue') answer = await ledger.commit({ ...quiet, outcomes: allSent(answer) });
    if (answer.kind !== 'ended') throw new Error(`The progress ended with "${answer.kind}".`);
    return (performance.now() - start) / 1_000;
  },
  cpuMs,
});

function allSent({ marked }: Extract<CommitAnswer, { kind: 'continue' }>): Commit['outcomes'] {
  return marked.map(({ idx }) => ({ idx, status: 'sent', code: null, text: null }));
}

async function writeList(recipients: number): Promise<string> {
  const persister = new TemplateEmailPersister(database);
  const info = { templateUrl: HTML_TEMPLATE, subject: SUBJECT, from: FROM };
  const mailingId = String(await persister.createMailing(info, SERVER, 'list'));
  const rows = [...readers(recipients)].map((one, idx) => ({ ...toListedRecipient(one, true), idx }));
  for (let first = 0; first < recipients; first += persister.rowsPerChunk) {
    await persister.writeChunk(mailingId, 'list', rows.slice(first, first + persister.rowsPerChunk));
  }
  await persister.finishList(mailingId, 'list', recipients);
  return mailingId;
}
