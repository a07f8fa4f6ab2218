import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../test/support/wait-until.js';
import { bulkHost, type Measure, type MeasureTask, NOT_TODAY_MS } from '../measure.js';
import { type Host, type MailServer, startHost } from '../scaling/scaling.round.js';

/** Maximum of messages of the second half that are sent when the host is killed. */
const MESSAGES_BEFORE_KILL = 2_000;
/** The next heartbeat finds a mailing that was not announced. */
const NEWS_DEADLINE_MS = 60_000;

/**
 * Milliseconds from the restart of the application to the first message at the mail server. Half of the list is sent, the host is
 * killed in the middle of the rest, and starts again under its name.
 */
export const resume: Measure = async (ground, task) => {
  const mailServer = await ground.watchingMailServer();
  const settings = bulkHost(task, await mailServer.ask('url'));
  await killedHalfway(await startHost(settings), mailServer, task);
  await mailServer.ask('expect', { recipients: 1 });
  const host = await startHost(settings);
  try {
    await inTime(mailServer.ask('allReceived'), 'the first message after the restart');
    const { firstAtMs } = await mailServer.ask('received');
    // The first message may come while the application is still starting.
    return Math.max(0, firstAtMs - (await host.ask('bootedAtMs')));
  } finally {
    await host.end();
  }
};

async function killedHalfway(host: Host, mailServer: MailServer, task: MeasureTask): Promise<void> {
  const { recipients, database } = task;
  const half = Math.floor(recipients / 2);
  try {
    const mailingId = await host.ask('send', { recipients, batchSize: null, inMs: NOT_TODAY_MS });
    await mailServer.ask('expect', { recipients: Math.min(MESSAGES_BEFORE_KILL, Math.ceil(half / 20)) });
    await settleFirst(task, mailingId, half);
    await inTime(mailServer.ask('allReceived'), 'the second half of the list to begin');
    await host.kill();
    const [{ status }] = await database.rows<{ status: string }>(
      'SELECT status FROM dps_mailing WHERE id = ?',
      [mailingId],
    );
    if (status !== 'in_progress') throw new Error(`The host was killed too late: the mailing is ${status}.`);
  } finally {
    await host.end();
  }
  // A message of the dead process that arrives late must not count.
  const isQuiet = async (): Promise<boolean> => (await mailServer.ask('connections')) === 0;
  await waitUntil(isQuiet, { what: 'the connections of the dead to be closed' });
}

/** Writes the first half as sent by a run, and lets the mailing start. */
async function settleFirst({ database }: MeasureTask, mailingId: string, half: number): Promise<void> {
  await database.run(
    `UPDATE dps_email_address SET status = 'sent', attempts = 1, changed_at = UTC_TIMESTAMP(3)
     WHERE mailing_id = ? AND idx < ?`,
    [mailingId, half],
  );
  await database.run(
    `UPDATE dps_mailing SET num_sent = ?, low_water_idx = ?, next_idx = ?, high_water_idx = ?, commit_seq = commit_seq + ?,
       start_time = UTC_TIMESTAMP(3), scheduled_at = NULL WHERE id = ? AND status = 'pending'`,
    [half, half, half, half, half, mailingId],
  );
}

async function inTime(event: Promise<void>, what: string): Promise<void> {
  const tooLate = new AbortController();
  const late = delay(NEWS_DEADLINE_MS, undefined, { signal: tooLate.signal }).then(() => {
    throw new Error(`Waited ${NEWS_DEADLINE_MS} ms in vain for ${what}.`);
  });
  try {
    await Promise.race([event, late]);
  } finally {
    tooLate.abort();
  }
}
