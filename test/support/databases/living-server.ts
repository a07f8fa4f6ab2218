import type { DataSource } from 'typeorm';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { insertServer } from '../../../libs/mailing/src/store/servers/insert-server.js';

/** Inserts a server row as a heartbeat would. A claim requires the incarnation of that row. */
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
