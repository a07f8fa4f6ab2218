import { MailServer } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';

/** Enters a server as its heartbeat would: claims are good for the incarnation that is in the row, and for no other. */
export async function livingServer(
  dataSource: DataSource,
  uniqServerId: string,
  incarnation: string,
): Promise<void> {
  const now = new Date();
  const facts = { hostname: 'test.example', pid: 1, startedAt: now, lastUpdated: now };
  await dataSource
    .getRepository(MailServer)
    .upsert({ uniqServerId, incarnation, ...facts }, ['uniqServerId']);
}
