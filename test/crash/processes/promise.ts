import type { EmailAddress } from 'nestjs-mailing';
import { assertProgressAddsUp, type StoredProgress } from '../../support/databases/stored-progress.js';
import type { SmtpInbox } from '../../support/network/smtp-inbox.js';

/** The plugin's default for one crash: two for each of five connections. */
export const MAX_IN_DOUBT = 10;

/** A completed mailing to be checked, sent to a mail server that refuses no recipient. */
export interface Case {
  progress: StoredProgress;
  inbox: Pick<SmtpInbox, 'countsByRecipient'>;
  /** The addresses of the list. */
  recipients: readonly string[];
  crashes: number;
  /** Maximum in doubt for one crash. */
  maxInDoubt?: number;
  /** Recipients that may have got a second copy: under policy `resend`, those in flight at a crash. */
  mayHaveTwo?: ReadonlySet<string>;
}

/** What a mail server received, compared with the stored progress and the list. Each of the lists is empty where the promise was kept. */
export interface Facts {
  /** Distinct recipients that got a copy. */
  received: number;
  /** Recipients with more copies than allowed, once for each copy too many. */
  duplicates: string[];
  /** Recorded as sent without a copy, not settled, or without a row. */
  missing: string[];
  /** Recipients with a copy that were not on the list, or are not recorded as sent or in doubt. */
  strangers: string[];
  inDoubt: number;
  /** Maximum in doubt after so many crashes. */
  mostInDoubt: number;
  /** Why the counters and the rows disagree; null if they do not. */
  progressComplaint: string | null;
}

/** Establishes the facts. */
export function factsOf(judged: Case): Facts {
  const { progress, inbox, recipients, crashes, maxInDoubt = MAX_IN_DOUBT, mayHaveTwo = new Set() } = judged;
  const received = inbox.countsByRecipient();
  const statuses = new Map(
    (progress.recipients as EmailAddress[]).map(({ emailAddress, status }) => [emailAddress, status]),
  );
  const isMissing = (address: string): boolean => {
    const status = statuses.get(address);
    return status === 'in_doubt' ? false : status !== 'sent' || !received.has(address);
  };
  const listed = new Set(recipients);
  const isStranger = (address: string): boolean =>
    !listed.has(address) || !['sent', 'in_doubt'].includes(statuses.get(address) ?? '');
  return {
    received: received.size,
    duplicates: [...received].flatMap(([address, copies]) =>
      Array<string>(Math.max(0, copies - (mayHaveTwo.has(address) ? 2 : 1))).fill(address),
    ),
    missing: recipients.filter(isMissing),
    strangers: [...received.keys()].filter(isStranger),
    inDoubt: progress.byStatus.in_doubt ?? 0,
    mostInDoubt: crashes * maxInDoubt,
    progressComplaint: complaintAbout(progress, recipients.length),
  };
}

/** What is wrong, in words; empty if the promise was kept. */
export function complaintsOf(facts: Facts): string[] {
  const { duplicates, missing, strangers, inDoubt, mostInDoubt, progressComplaint } = facts;
  const complaints = [];
  if (duplicates.length > 0) complaints.push(`${duplicates.length} copies too many: ${some(duplicates)}`);
  if (missing.length > 0) complaints.push(`${missing.length} missing: ${some(missing)}`);
  if (strangers.length > 0)
    complaints.push(`${strangers.length} received without record: ${some(strangers)}`);
  if (inDoubt > mostInDoubt) complaints.push(`${inDoubt} in doubt, ${mostInDoubt} is the most`);
  if (progressComplaint !== null) complaints.push(progressComplaint);
  return complaints;
}

/** @throws Error naming everything that is wrong. @returns the facts of a promise that was kept. */
export function assertPromiseKept(judged: Case): Facts {
  const facts = factsOf(judged);
  const complaints = complaintsOf(facts);
  if (complaints.length > 0) throw new Error(`The promise was broken: ${complaints.join('; ')}.`);
  return facts;
}

function complaintAbout(progress: StoredProgress, expected: number): string | null {
  if (progress.recipients.length !== expected) {
    return `${progress.recipients.length} recipients are recorded, ${expected} were on the list`;
  }
  try {
    assertProgressAddsUp(progress);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function some(addresses: string[]): string {
  return addresses.slice(0, 5).join(', ') + (addresses.length > 5 ? ', …' : '');
}
