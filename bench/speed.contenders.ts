import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { MariaDbServer } from '../test/support/maria-db.server.js';
import type { PostgresServer } from '../test/support/postgres.server.js';
import type { RedisServer } from '../test/support/redis.server.js';
import { connectToPostgres } from '../test/support/server-connection.js';
import { BenchChild } from './bench-child.js';
import { BenchDatabase } from './bench-database.js';
import type { ContenderAnswers, ContenderSettings } from './contender.js';
import { FROM, PARAMS } from './letter.js';
import { type MailSink, withLibraries } from './mail-sink.js';
import { postfixPrograms } from './postfix.programs.js';
import { startHost } from './scaling.round.js';
import { countStatements } from './statement-count.js';

/** What all contenders share in one run of the bench. */
export interface SpeedGround {
  sink: MailSink;
  mariaDb: MariaDbServer;
  postgres: PostgresServer;
  redis: RedisServer;
}

export interface SpeedTask {
  recipients: number;
  smtpConnections: number;
  maxInDoubt: number;
  /** Unique within the run. */
  name: string;
}

/** Of one contender in one round. */
export interface SpeedResult {
  seconds: number;
  /** Of its own process, while it sent; null where there is no telling. */
  cpuSeconds: number | null;
  statements: number | null;
}

/** One fresh process, or several, that send a letter to so many readers. */
export type Contender = (ground: SpeedGround, task: SpeedTask) => Promise<SpeedResult>;

/** By the names of their figures, in the order of their turns. */
export const CONTENDERS: Record<string, Contender> = {
  /** A pool of nodemailer and compiled templates, with nothing on record. */
  bare: (ground, task) => measured('bare.process.ts', settingsOf(ground, task, ''), task),
  mailer: (ground, task) => persisted(ground, task, false),
  /** The same with `bulkSmtp`. */
  bulk: (ground, task) => persisted(ground, task, true),
  /** A job for each message, Redis in memory. */
  bullmq: async (ground, task) => {
    await ground.redis.command('FLUSHALL');
    return measured('bull-mq.process.ts', settingsOf(ground, task, ground.redis.url), task);
  },
  'pg-boss': async (ground, task) => {
    const name = `bench_${task.name.replaceAll('-', '_')}`;
    const storeUrl = await postgresDatabase(ground.postgres, name);
    return measured('pg-boss.process.ts', settingsOf(ground, task, storeUrl), task);
  },
  limit,
};

function settingsOf(
  { sink }: SpeedGround,
  { smtpConnections }: SpeedTask,
  storeUrl: string,
): ContenderSettings {
  return { smtpUrl: sink.url, smtpConnections, storeUrl };
}

async function measured(
  program: string,
  settings: ContenderSettings,
  { recipients }: SpeedTask,
): Promise<SpeedResult> {
  const child = await BenchChild.start<ContenderAnswers>(program, settings);
  try {
    await child.ask('prepare', { recipients });
    const cpuBefore = await child.ask('cpuMs');
    const seconds = await child.ask('send');
    return { seconds, cpuSeconds: ((await child.ask('cpuMs')) - cpuBefore) / 1_000, statements: null };
  } finally {
    await child.end();
  }
}

/** The plugin: everybody on record before, and every outcome. From the first claim to the completion. */
async function persisted(
  { sink, mariaDb }: SpeedGround,
  task: SpeedTask,
  bulkSmtp: boolean,
): Promise<SpeedResult> {
  const database = await BenchDatabase.create(mariaDb, `bench_${task.name.replaceAll('-', '_')}`);
  const host = await startHost({
    databaseUrl: database.url,
    smtpUrl: sink.url,
    serverId: 'mail:1',
    takesBatches: false,
    smtpConnections: task.smtpConnections,
    concurrency: 2 * task.smtpConnections,
    maxInDoubt: task.maxInDoubt,
    bulkSmtp,
  });
  try {
    const mailingId = await host.ask('send', { recipients: task.recipients, batchSize: null, inMs: 0 });
    const [statements, cpuBefore] = [await countStatements(database), await host.ask('cpuMs')];
    const seconds = await database.completed(mailingId);
    const cpuSeconds = ((await host.ask('cpuMs')) - cpuBefore) / 1_000;
    return { seconds, cpuSeconds, statements: (await statements()).statements };
  } finally {
    await host.end();
    await database.dispose();
  }
}

/** From C to C: what the machine has to give. */
async function limit({ sink }: SpeedGround, task: SpeedTask): Promise<SpeedResult> {
  const { source, libraries } = await postfixPrograms();
  const words = ['-d', '-s', task.smtpConnections, '-m', task.recipients, '-l', MESSAGE_BYTES];
  const start = performance.now();
  const program = spawn(
    source,
    [...words.map(String), '-f', FROM_ADDRESS, '-t', 'reader@home.example', sink.address],
    {
      env: withLibraries(libraries),
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const [code] = (await once(program, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`smtp-source ended with exit code ${code}.`);
  return { seconds: (performance.now() - start) / 1_000, cpuSeconds: null, statements: null };
}

const FROM_ADDRESS = /<(.+)>/.exec(FROM)![1];
/** About what the others send for each message. */
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
