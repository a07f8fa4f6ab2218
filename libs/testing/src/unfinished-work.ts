import { type DataSource, In } from 'typeorm';
import { MailBatch, Mailing, type MailingStatus, type TestControl } from '../../mailing/src/index.js';

/** Of mailings that are neither ended nor paused. */
const UNFINISHED: MailingStatus[] = ['loading', 'pending', 'in_progress', 'pausing', 'canceling'];

/** What the database has to be asked: mailings and batches that are due and have no run yet. */
export interface WorkPlace {
  dataSource: DataSource;
  control: TestControl;
  /** Milliseconds since 1970, by the clock of the test. */
  now: number;
}

/** @returns what could go on now, each in a few words; empty if everything has ended, or waits for a later time or for a person. */
export async function unfinishedWork(place: WorkPlace): Promise<string[]> {
  const activities = place.control.activities();
  const busy = activities.filter(({ isResting }) => !isResting);
  if (busy.length > 0)
    return busy.map(({ mailingId, waitsFor }) => `${nameOf(mailingId)} waits for ${waitsFor}`);
  const resting = new Map<string | null, number>();
  for (const { mailingId } of activities) resting.set(mailingId, (resting.get(mailingId) ?? 0) + 1);
  const found: string[] = [];
  const unfinished = await place.dataSource.getRepository(Mailing).findBy({ status: In(UNFINISHED) });
  for (const mailing of unfinished) {
    const why = await whyDue(place, mailing, resting.get(mailing.id) ?? 0);
    if (why !== null) found.push(`${nameOf(mailing.id)} ${why}`);
  }
  return found;
}

/** @returns null if it is not due. */
async function whyDue(place: WorkPlace, mailing: Mailing, numResting: number): Promise<string | null> {
  const { status, statusReason, scheduledAt, startTime, isBatched, uniqServerId } = mailing;
  if (!place.control.mayWorkOn({ mailingId: mailing.id, uniqServerId, isBatched })) return null;
  if (status !== 'pending' && status !== 'in_progress') return `is ${status}`;
  const isLater = startTime === null && scheduledAt !== null && scheduledAt.getTime() > place.now;
  // A pending mailing with a reason waits for a person.
  if (status === 'pending' && (statusReason !== null || isLater)) return null;
  if (!isBatched) return numResting > 0 ? null : `is ${status}`;
  const batches = await place.dataSource.getRepository(MailBatch).findBy({ mailingId: mailing.id });
  const isDue = ({ status: batch, notBefore }: MailBatch): boolean =>
    batch === 'free' && notBefore.getTime() <= place.now;
  const numFree = batches.filter(isDue).length;
  const numClaimed = batches.filter((one) => one.status === 'claimed').length;
  if (numFree > 0) return `has ${numFree} free batch(es)`;
  return numClaimed > numResting ? `has ${numClaimed} batch(es) in progress` : null;
}

function nameOf(mailingId: string | null): string {
  return mailingId === null ? 'a mailing without an id' : `the mailing ${mailingId}`;
}
