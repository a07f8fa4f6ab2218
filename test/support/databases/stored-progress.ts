import { isDeepStrictEqual } from 'node:util';
import { EmailAddress, MailBatch, Mailing, UserMailing } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';

/** One mailing as the database has it, recipient by recipient. */
export interface StoredProgress {
  mailing: Mailing;
  /** By idx, addresses and profiles together. `sending` includes rows that are `pending` with idx < next_idx. */
  recipients: (EmailAddress | UserMailing)[];
  /** How many recipients are in each state. */
  byStatus: Record<string, number>;
}

/** Reads again, a few times, if the mailing changes while its recipients are being read. */
export async function readProgress(
  dataSource: DataSource,
  mailingId: string,
  again = 10,
): Promise<StoredProgress> {
  const mailings = dataSource.getRepository(Mailing);
  const mailing = await mailings.findOneByOrFail({ id: mailingId });
  const addresses = await dataSource.getRepository(EmailAddress).findBy({ mailingId });
  const profiles = await dataSource.getRepository(UserMailing).findBy({ mailingId });
  const recipients = [...addresses, ...profiles].sort((a, b) => a.idx - b.idx);
  // Read after the rows, so that a recipient begun meanwhile does not look as if it were waiting.
  const batches = await dataSource.getRepository(MailBatch).findBy({ mailingId });
  const now = await mailings.findOneByOrFail({ id: mailingId });
  if (again > 0 && !isDeepStrictEqual(now, mailing)) return readProgress(dataSource, mailingId, again - 1);
  for (const one of recipients) {
    const batch = batches.find(({ startIdx, endIdx }) => one.idx >= startIdx && one.idx < endIdx);
    if (one.status === 'pending' && one.idx < (batch?.nextIdx ?? now.nextIdx)) one.status = 'sending';
  }
  const byStatus: Record<string, number> = {};
  for (const { status } of recipients) byStatus[status] = (byStatus[status] ?? 0) + 1;
  return { mailing, recipients, byStatus };
}

/** @throws Error unless the mailing is completed, and its counters and rows say the same. */
export function assertProgressAddsUp({ mailing, recipients, byStatus }: StoredProgress): void {
  const { sent = 0, error = 0, skipped = 0, in_doubt = 0 } = byStatus;
  const said = [mailing.numSent, mailing.numErrors, mailing.numSkipped, mailing.numProfiles];
  const counted = [sent, error + in_doubt, skipped, recipients.length];
  const settled = sent + error + in_doubt + skipped;
  if (said.join() !== counted.join() || settled !== recipients.length || mailing.status !== 'completed') {
    throw new Error(
      `The counters of ${mailing.id} (${mailing.status}) say ${said.join('/')}, the rows ${counted.join('/')}.`,
    );
  }
}
