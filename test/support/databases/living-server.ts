import type { DataSource } from 'typeorm';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { insertServer } from '../../../libs/mailing/src/store/servers/insert-server.js';

/** Enters a server as its heartbeat would: claims are good for the incarnation that is in the row, and for no other. */
export async function livingServer(
  dataSource: DataSource,
  uniqServerId: string,
  incarnation: string,
): Promise<void> {
  await new MailingDatabase(dataSource).transaction(async (session) => {
    await session.change(`DELETE FROM ${session.tables.mailServer} WHERE uniq_server_id = ?`, [uniqServerId]);
    await insertServer(session, {
      uniqServerId,
      incarnation,
      hostname: 'test.example',
      pid: 1,
      pidNamespace: null,
      takesBatches: false,
    });
  });
}
