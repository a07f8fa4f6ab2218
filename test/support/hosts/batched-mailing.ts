import { MailBatch, type Recipients, type TemplateEmailInfo } from 'nestjs-mailing';
import { assertBatchesAddUp } from '../databases/batch-progress.js';
import type { MailingApp } from './mailing-app.js';
import { INFO, type MailingRig, people } from './mailing-rig.js';

/** Options of a server that takes batches, and polls for them often. */
export const TAKES_BATCHES = { enabledAsTemplateMailServer: true, batch: { pollIntervalMs: 50 } };

/** Sends a persisted mailing to so many recipients, in batches. @returns its id. */
export async function sendBatched(
  app: MailingApp,
  count: number | Recipients,
  info: Partial<TemplateEmailInfo> = {},
): Promise<string> {
  const recipients = typeof count === 'number' ? people(count) : count;
  const { mailingId } = await app.sender.sendEmailMessage(
    { ...INFO, batched: true, batchSize: 20, ...info },
    recipients,
    { persist: true },
  );
  return mailingId as string;
}

/** By start index. */
export function batchesOf(rig: MailingRig, mailingId: string): Promise<MailBatch[]> {
  const batches = rig.database.dataSource.getRepository(MailBatch);
  return batches.find({ where: { mailingId }, order: { startIdx: 'ASC' } });
}

/** @throws Error unless each recipient got one copy, and the counters of the batches add up to those of the mailing. */
export async function assertAllSentInBatches(
  rig: MailingRig,
  mailingId: string,
  count: number,
): Promise<void> {
  await rig.assertAllSent(mailingId, count);
  await assertBatchesAddUp(rig.database.dataSource, mailingId);
}
