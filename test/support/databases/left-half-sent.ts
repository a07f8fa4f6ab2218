import { setTimeout as delay } from 'node:timers/promises';
import { MailBatch, Mailing, TemplateEmailPeriodicService } from 'nestjs-mailing';
import { batchesOf } from '../hosts/batched-mailing.js';
import { assertProgressAddsUp } from './stored-progress.js';
import { LONG_AGO } from './left-rows.js';
import type { MailingApp } from '../hosts/mailing-app.js';
import { INFO, type MailingRig } from '../hosts/mailing-rig.js';
import { waitUntil } from '../wait-until.js';

/** A claim of a dead process: no server row has its incarnation. */
export const DEAD_CLAIM = '00000000-0000-4000-8000-000000000000#1';

/** Ids of the mailings that servers left in the database when they ended. */
export interface LeftMailings {
  /** Released by an orderly shutdown, half sent. */
  stopped: string;
  /** Claimed by a dead process of the same server, half sent. */
  killed: string;
  /** Scheduled for a time that has passed. */
  scheduled: string;
  /** Paused because the mail server was unreachable. */
  outage: string;
  /** Of another server, which is dead. */
  adoptable: string;
  /** In batches: one complete, one claimed by a dead process of the same server, the others free. */
  batched: string;
}

/** Recipients of each. */
export const LEFT = 60;

export const addressesOf = (name: string, count = LEFT): string[] =>
  Array.from({ length: count }, (_, n) => `${name}${n}@home.example`);

/** Sends some of each mailing, ends the servers, and leaves the rows as a crash, an outage and a copy of the database would. */
export async function leaveHalfSent(rig: MailingRig): Promise<LeftMailings> {
  const { dataSource } = rig.database;
  const mailings = dataSource.getRepository(Mailing);
  const old = await rig.boot({ uniqServerId: 'old:1' });
  const app = await rig.boot({ run: { maxConcurrentMailings: 1 } });
  const isBegun = async (mailingId: string): Promise<boolean> =>
    (await rig.progress(mailingId)).byStatus.sent > 4;
  const half = async (from: MailingApp, name: string): Promise<string> => {
    rig.inbox.answer = async ({ command }) => void (command === 'END' && (await delay(5)));
    const mailingId = await send(from, name);
    await waitUntil(() => isBegun(mailingId), { what: `${name} to be begun` });
    expectHalf(await from.sender.pause(mailingId));
    await rig.reached(mailingId, 'paused');
    return mailingId;
  };
  const stopped = await half(app, 'stopped');
  const killed = await half(app, 'killed');
  const outage = await half(app, 'outage');
  const adoptable = await half(old, 'adoptable');
  const sendAt = new Date(Date.now() + 3_600_000);
  const scheduled = await send(app, 'scheduled', { sendAt });
  const batched = await send(app, 'batched');
  await app.close();
  await old.close();
  rig.inbox.answer = undefined;
  await mailings.update({ id: stopped }, { status: 'pending', statusReason: null });
  const dead = { claimToken: DEAD_CLAIM, lastCommitAt: LONG_AGO };
  await mailings.update({ id: killed }, { status: 'in_progress', statusReason: null, ...dead });
  await mailings.update({ id: outage }, { statusReason: 'transport: connect ECONNREFUSED' });
  await mailings.update({ id: adoptable }, { status: 'pending', statusReason: null });
  await mailings.update({ id: scheduled }, { scheduledAt: LONG_AGO });
  await mailings.update({ id: batched }, { status: 'in_progress', startTime: LONG_AGO });
  const [{ startIdx }] = await batchesOf(rig, batched);
  const claimed = { status: 'claimed' as const, uniqServerId: 'test:1', ...dead };
  await dataSource.getRepository(MailBatch).update({ mailingId: batched, startIdx }, claimed);
  return { stopped, killed, scheduled, outage, adoptable, batched };
}

function expectHalf(status: string): void {
  if (status === 'completed') throw new Error('The mailing completed before it could be stopped.');
}

async function send(app: MailingApp, name: string, more: { sendAt?: Date } = {}): Promise<string> {
  const info = name === 'batched' ? { ...INFO, batched: true, batchSize: 20 } : INFO;
  const { mailingId } = await app.sender.sendEmailMessage(info, addressesOf(name), {
    persist: true,
    ...more,
  });
  return mailingId as string;
}

/** Every row about mailings. */
export function everythingOf({ database: { dataSource } }: MailingRig): Promise<unknown[]> {
  return Promise.all(
    ['dps_mailing', 'dps_mail_batch', 'dps_email_address'].map((table) =>
      dataSource.query(`SELECT * FROM ${table} ORDER BY 1, 2`),
    ),
  );
}

/** Waits for so many more heartbeats, and for the sweeps that follow each of them. */
export async function commits(app: MailingApp, count: number): Promise<void> {
  let seen = 0;
  app.nest.get(TemplateEmailPeriodicService).addTask(() => void seen++);
  await waitUntil(() => seen > count, { what: `${count} heartbeats` });
}

/** @throws Error unless each of these mailings is completed, and each recipient got one copy since the inbox was opened. */
export async function assertOneCopyEach(rig: MailingRig, left: Record<string, string>): Promise<void> {
  const copies = rig.inbox.countsByRecipient();
  for (const [name, mailingId] of Object.entries(left)) {
    assertProgressAddsUp(await rig.progress(mailingId));
    const wrong = addressesOf(name).filter((address) => copies.get(address) !== 1);
    if (wrong.length > 0)
      throw new Error(`${name}: ${wrong.map((one) => `${one} ${copies.get(one)}`).join()}`);
  }
}
