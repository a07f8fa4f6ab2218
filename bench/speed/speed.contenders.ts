import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresServer } from '../../test/support/servers/postgres.server.js';
import { connectToPostgres } from '../../test/support/databases/server-connection.js';
import { BenchChild } from '../bench-child.js';
import { BenchDatabase } from '../bench-database.js';
import type { ContenderAnswers, ContenderSettings } from './contender.js';
import { cpuMsOf } from '../cpu-time.js';
import { FROM, PARAMS } from '../letter.js';
import type { MailingHostSettings } from '../mailing-host.module.js';
import { withLibraries } from '../mail-servers/postfix.programs.js';
import { startHost } from '../scaling/scaling.round.js';
import type { SpeedGround } from './speed.ground.js';
import { countStatements } from '../measures/statement-count.js';

export interface SpeedTask {
  /** URL of the mail server. */
  smtpUrl: string;
  recipients: number;
  smtpConnections: number;
  maxInDoubt: number;
  /** Unique within the run. */
  name: string;
}

/** The result of one contender in one round. */
export interface SpeedResult {
  seconds: number;
  /** Of its own process while it sent; null if unknown. */
  cpuSeconds: number | null;
  /** Of the store in the same time; null without a store, or if unknown. */
  storeCpuSeconds: number | null;
  statements: number | null;
}

/** One or several fresh processes that send a message to so many readers. */
export type Contender = (ground: SpeedGround, task: SpeedTask) => Promise<SpeedResult>;

/** By the names of their figures, in the order of the rounds. */
export const CONTENDERS: Record<string, Contender> = {
  /** A pool of nodemailer and compiled templates, without any record. */
  bare: (_ground, task) => measured('speed/bare.process.ts', settingsOf(task, ''), task),
  mailer: (ground, task) => persisted(ground, task, { bulkSmtp: false }),
  /** The same with `bulkSmtp`. */
  bulk: (ground, task) => persisted(ground, task, { bulkSmtp: true }),
  /** With a journal, and so far more recipients marked ahead. */
  'bulk-journal': withJournal,
  /** A job for each message, Redis in memory. */
  bullmq: async (ground, task) => {
    const redis = await ground.redis();
    await redis.command('FLUSHALL');
    return measured('speed/bull-mq.process.ts', settingsOf(task, redis.url), task, () => cpuMsOf(redis.pid));
  },
  'pg-boss': async (ground, task) => {
    const postgres = await ground.postgres();
    const storeUrl = await postgresDatabase(postgres, databaseName(task));
    return measured('speed/pg-boss.process.ts', settingsOf(task, storeUrl), task, () =>
      cpuMsOf(postgres.pid),
    );
  },
  limit,
};

function settingsOf({ smtpUrl, smtpConnections }: SpeedTask, storeUrl: string): ContenderSettings {
  return { smtpUrl, smtpConnections, storeUrl };
}

function databaseName({ name }: SpeedTask): string {
  return `bench_${name.replaceAll('-', '_')}`;
}

/** Time from its first step to its last, and processor time of its process. */
export async function measured(
  program: string,
  settings: ContenderSettings,
  { recipients }: Pick<SpeedTask, 'recipients'>,
  storeCpuMs: () => Promise<number | null> = () => Promise.resolve(null),
): Promise<SpeedResult> {
  const child = await BenchChild.start<ContenderAnswers>(program, settings);
  try {
    await child.ask('prepare', { recipients });
    const [cpuBefore, storeBefore] = [await child.ask('cpuMs'), await storeCpuMs()];
    const seconds = await child.ask('send');
    const cpuSeconds = ((await child.ask('cpuMs')) - cpuBefore) / 1_000;
    return {
      seconds,
      cpuSeconds,
      storeCpuSeconds: secondsSince(storeBefore, await storeCpuMs()),
      statements: null,
    };
  } finally {
    await child.end();
  }
}

/** The plugin, with every recipient and outcome on record. From the first claim to the completion. */
async function persisted(
  ground: SpeedGround,
  task: SpeedTask,
  how: Pick<MailingHostSettings, 'bulkSmtp' | 'journalDir'>,
): Promise<SpeedResult> {
  const database = await BenchDatabase.create(await ground.mariaDb(), databaseName(task));
  const host = await startHost({
    databaseUrl: database.url,
    smtpUrl: task.smtpUrl,
    serverId: 'mail:1',
    takesBatches: false,
    smtpConnections: task.smtpConnections,
    concurrency: 2 * task.smtpConnections,
    maxInDoubt: task.maxInDoubt,
    ...how,
  });
  try {
    const mailingId = await host.ask('send', { recipients: task.recipients, batchSize: null, inMs: 0 });
    const statements = await countStatements(database);
    const [cpuBefore, storeBefore] = [await host.ask('cpuMs'), await database.cpuMs()];
    const seconds = await database.completed(mailingId);
    const cpuSeconds = ((await host.ask('cpuMs')) - cpuBefore) / 1_000;
    const storeCpuSeconds = secondsSince(storeBefore, await database.cpuMs());
    return { seconds, cpuSeconds, storeCpuSeconds, statements: (await statements()).statements };
  } finally {
    await host.end();
    await database.dispose();
  }
}

async function withJournal(ground: SpeedGround, task: SpeedTask): Promise<SpeedResult> {
  const journalDir = await mkdtemp(join(tmpdir(), 'mailing-bench-journal-'));
  try {
    const more = { ...task, maxInDoubt: Math.max(task.maxInDoubt, MARKED_WITH_JOURNAL) };
    return await persisted(ground, more, { bulkSmtp: true, journalDir });
  } finally {
    await rm(journalDir, { recursive: true });
  }
}

/** From C to C: the upper limit of the machine. */
async function limit(ground: SpeedGround, task: SpeedTask): Promise<SpeedResult> {
  if (!ground.postfix) throw new Error('There is no smtp-source.');
  const { source, libraries } = ground.postfix;
  const address = new URL(task.smtpUrl).host;
  const words = ['-d', '-s', task.smtpConnections, '-m', task.recipients, '-l', MESSAGE_BYTES];
  const start = performance.now();
  const program = spawn(
    source,
    [...words.map(String), '-f', FROM_ADDRESS, '-t', 'reader@home.example', address],
    {
      env: withLibraries(libraries),
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const [code] = (await once(program, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`smtp-source ended with exit code ${code}.`);
  return {
    seconds: (performance.now() - start) / 1_000,
    cpuSeconds: null,
    storeCpuSeconds: null,
    statements: null,
  };
}

function secondsSince(beforeMs: number | null, afterMs: number | null): number | null {
  return beforeMs === null || afterMs === null ? null : (afterMs - beforeMs) / 1_000;
}

/** With a journal a crash leaves only messages in flight in doubt, however many recipients are marked. */
const MARKED_WITH_JOURNAL = 1_000;
const FROM_ADDRESS = /<(.+)>/.exec(FROM)![1];
/** About the size of the other contenders' messages. */
const MESSAGE_BYTES = 4_000 + PARAMS.headline.length;

async function postgresDatabase(server: PostgresServer, name: string): Promise<string> {
  const connection = await connectToPostgres(server.url);
  try {
    await connection.query(`CREATE DATABASE ${name}`);
  } finally {
    await connection.end();
  }
  return `${server.url.replace(/\/$/, '')}/${name}`;
}
