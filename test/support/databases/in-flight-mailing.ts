import { MailServer } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';
import { toListedRecipient } from '../../../libs/mailing/src/model/mail/listed-recipient.js';
import { MailingClaims } from '../../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { TemplateEmailPersister } from '../../../libs/mailing/src/store/intake/template-email.persister.js';
import { livingServer } from './living-server.js';
import { INFO } from '../hosts/mailing-rig.js';

/**
 * A mailing to `reader0@home.example` and three more of the server `test:1`, whose run died with the first three in flight.
 *
 * @returns its id.
 */
export async function inFlightMailing(dataSource: DataSource): Promise<string> {
  const database = new MailingDatabase(dataSource);
  const persister = new TemplateEmailPersister(database);
  const mailingId = (await persister.createMailing(INFO, 'test:1', 'list')) as string;
  const rows = [0, 1, 2, 3].map((idx) => ({ ...toListedRecipient(`reader${idx}@home.example`, true), idx }));
  await persister.writeChunk(mailingId, 'list', rows);
  await persister.finishList(mailingId, 'list', 4);
  await livingServer(dataSource, 'test:1', 'dead');
  const claim = await new MailingClaims(database).claim(mailingId, 'test:1', 'dead#1');
  if (!claim) throw new Error('The mailing could not be claimed.');
  const quiet = { outcomes: [], deferred: [], returned: [], inFlight: 0, release: null };
  await new MailingLedger(database, claim).commit({ ...quiet, capacity: 3 });
  await dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
  return mailingId;
}
