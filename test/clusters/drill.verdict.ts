import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { complaintsOf, type Facts, factsOf, MAX_IN_DOUBT } from '../crash/processes/promise.js';
import { assertBatchesAddUp } from '../support/databases/batch-progress.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { BATCH_THREADS } from './drill.hosts.js';
import type { DrillMailing } from './drill.mailing.js';
import type { DrillWorld } from './drill.world.js';

/** In addition to the cluster's own time until a node takes writes again. */
const MAX_GAP_SECONDS = 15;
/** A node may still be applying writes of another node. */
const SETTLE_MS = 10_000;

/** The result of one drill. */
export interface DrillVerdict {
  received: number;
  duplicates: number;
  missing: number;
  inDoubt: number;
  /** Maximum in doubt: none if no host was lost. */
  bound: number;
  /** The longest time without a message of a mailing that was not over. */
  longestGapSeconds: number;
  /** The longest time without a successful write of a client that follows the writer. */
  clusterGapSeconds: number;
  /** Killed hosts. */
  hostsLost: number;
  /** Runs that lost their claim; another run continued each of these mailings or batches. */
  runsLost: number;
  runsFailed: number;
  /** All complaints; empty if the promise was kept. */
  complaints: string[];
}

/** Checks two mailings by what the mail server received, when all hosts have ended. */
export async function judge(world: DrillWorld, complaints: readonly string[]): Promise<DrillVerdict> {
  const facts = new Map<DrillMailing, Facts>();
  const broken: string[] = [];
  for (const mailing of world.mailings) {
    const [found, complaint] = await settledFacts(world, mailing);
    facts.set(mailing, found);
    broken.push(...complaintsOf(found).map((one) => `${mailing.name}: ${one}`), ...complaint);
  }
  const all = [...facts.values()];
  const gaps = world.mailings.map(({ name, longestGap }) => ({ name, ...longestGap }));
  for (const { name, ms, at } of gaps) world.say(`${name}: no message for ${tenths(ms / 1_000)} s`, at);
  const longestGapSeconds = tenths(Math.max(...gaps.map(({ ms }) => ms)) / 1_000);
  const clusterGapSeconds = tenths(world.watch.longestOutageMs / 1_000);
  if (longestGapSeconds > MAX_GAP_SECONDS + clusterGapSeconds) {
    broken.push(
      `no message for ${longestGapSeconds} s, the cluster wrote nothing for ${clusterGapSeconds} s of them at most`,
    );
  }
  return {
    received: sum(all, ({ received }) => received),
    duplicates: sum(all, ({ duplicates }) => duplicates.length),
    missing: sum(all, ({ missing }) => missing.length),
    inDoubt: sum(all, ({ inDoubt }) => inDoubt),
    bound: sum(all, ({ mostInDoubt }) => mostInDoubt),
    longestGapSeconds,
    clusterGapSeconds,
    hostsLost: world.hosts.losses,
    runsLost: world.hosts.countOf('run:fenced'),
    runsFailed: world.hosts.countOf('run:failed'),
    complaints: [...complaints, ...broken],
  };
}

/** The facts once they are right, or as they are after some time, and complaints about the batches. */
async function settledFacts(world: DrillWorld, mailing: DrillMailing): Promise<[Facts, string[]]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const database = await world.database.of(await world.writer());
    const [facts, complaints] = await factsAt(database, world, mailing);
    const isRight = complaints.length === 0 && complaintsOf(facts).length === 0;
    if (isRight || performance.now() > deadline) return [facts, complaints];
    await delay(500);
  }
}

async function factsAt(
  database: DataSource,
  world: DrillWorld,
  mailing: DrillMailing,
): Promise<[Facts, string[]]> {
  const isBatched = mailing.name === 'batched';
  const received = new Map(
    [...world.inbox.countsByRecipient()].filter(([address]) => mailing.isOf({ to: [address] })),
  );
  const facts = factsOf({
    progress: await readProgress(database, mailing.id),
    inbox: { countsByRecipient: () => received },
    recipients: mailing.addresses,
    crashes: world.hosts.losses,
    maxInDoubt: (isBatched ? BATCH_THREADS : 1) * MAX_IN_DOUBT,
  });
  if (!isBatched) return [facts, []];
  const complaints = await assertBatchesAddUp(database, mailing.id).then(
    () => [],
    (error: Error) => [error.message],
  );
  return [facts, complaints];
}

function sum(all: readonly Facts[], of: (facts: Facts) => number): number {
  return all.reduce((total, facts) => total + of(facts), 0);
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
