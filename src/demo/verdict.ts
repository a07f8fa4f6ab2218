import { EmailAddress, Mailing, mailingEntities } from 'nestjs-mailing';
import { DataSource } from 'typeorm';
import { dataSourceOptionsOf } from '../database/data-source.options.js';
import type { EmbeddedInbox } from '../inbox/embedded-inbox.js';

/** The share of one server in a run. */
export interface ServerShare {
  /** Its `uniqServerId`. */
  id: string;
  /** Messages that the inbox got from this server; null with a mail server of the user's own. */
  sent: number | null;
  kills: number;
}

/** The database's records compared with the inbox. With a mail server of the user's own, `received` and `duplicates` are null. */
export interface Verdict {
  recipients: number;
  kills: number;
  /** Distinct recipients that got a copy. */
  received: number | null;
  /** Copies beyond the first. */
  duplicates: number | null;
  /** Neither received nor recorded as error, skipped or in doubt. */
  missing: number;
  inDoubt: number;
  numSent: number;
  numErrors: number;
  numSkipped: number;
  numProfiles: number;
  status: string;
  seconds: number;
  servers: ServerShare[];
}

/** Reads the rows of a mailing, recipient by recipient, and compares them with the inbox. */
export async function judge(
  databaseUrl: string,
  mailingId: string,
  inbox: EmbeddedInbox | null,
  facts: Pick<Verdict, 'recipients' | 'kills' | 'seconds' | 'servers'>,
): Promise<Verdict> {
  const dataSource = new DataSource({ ...dataSourceOptionsOf(databaseUrl), entities: mailingEntities });
  await dataSource.initialize();
  try {
    const mailing = await dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId });
    const rows = await dataSource.getRepository(EmailAddress).find({
      select: { idx: true, emailAddress: true, status: true },
      where: { mailingId },
    });
    const explained = new Set(['error', 'skipped', 'in_doubt']);
    const isMissing = ({ emailAddress, status }: EmailAddress): boolean =>
      !explained.has(status) && (inbox ? !inbox.copies.has(emailAddress) : status !== 'sent');
    return {
      ...facts,
      received: inbox?.numReceived ?? null,
      duplicates: inbox?.numDuplicates ?? null,
      missing: rows.filter(isMissing).length + (facts.recipients - rows.length),
      inDoubt: rows.filter(({ status }) => status === 'in_doubt').length,
      numSent: mailing.numSent,
      numErrors: mailing.numErrors,
      numSkipped: mailing.numSkipped,
      numProfiles: mailing.numProfiles,
      status: mailing.status,
    };
  } finally {
    await dataSource.destroy();
  }
}

/**
 * Whether the promise held: the mailing is completed, no recipient is missing, the counters add up, the doubt is within its bound, and there are no
 * more second copies than the policy allows.
 *
 * @param maxInDoubt of one crash.
 */
export function promiseHeld(verdict: Verdict, inDoubt: 'leave' | 'resend', maxInDoubt: number): boolean {
  const { numSent, numErrors, numSkipped, numProfiles, duplicates, kills } = verdict;
  const mostDuplicates = inDoubt === 'resend' ? kills * maxInDoubt : 0;
  return (
    verdict.status === 'completed' &&
    verdict.missing === 0 &&
    numSent + numErrors + numSkipped === numProfiles &&
    verdict.inDoubt <= kills * maxInDoubt &&
    (duplicates ?? 0) <= mostDuplicates
  );
}
