import type { MariaDbServer } from '../../test/support/servers/maria-db.server.js';
import { BenchChild } from '../bench-child.js';
import { BenchDatabase } from '../bench-database.js';
import type { MailingHostSettings } from '../mailing-host.module.js';
import type { MailingHostAnswers } from '../mailing-host.process.js';
import type { SenderOfBench } from './scaling.options.js';
import type { SlowMailServerAnswers } from '../mail-servers/slow-mail-server.process.js';

export type Host = BenchChild<MailingHostAnswers>;
export type MailServer = BenchChild<SlowMailServerAnswers>;

export interface RoundParts {
  database: MariaDbServer;
  mailServer: MailServer;
  numServers: number;
  recipients: number;
  smtpConnections: number;
  sender: SenderOfBench;
  /** Unique within the database server. */
  name: string;
}

export interface RoundResult {
  /** From the first message to the last one at the mail server. */
  messagesPerSecond: number;
  seconds: number;
  /** From the first claim to the completion in the database. */
  wholeSeconds: number;
  /** Messages beyond one for each recipient. */
  secondCopies: number;
  /** Waits for row locks in the database in the whole round, which show contention between servers. */
  lockWaits: LockWaits;
  /** Processor time for one message; null on systems other than Linux. */
  cpuMsPerMessage: { mailServers: number; database: number | null; smtpServer: number };
  replyMs: { mean: number; p99: number; least: number };
}

export interface LockWaits {
  count: number;
  ms: number;
}

export function startHost(settings: MailingHostSettings): Promise<Host> {
  return BenchChild.start('mailing-host.process.ts', settings);
}

/** Sends one mailing through a fresh database, by so many fresh processes that were ready before it began. */
export async function scalingRound(parts: RoundParts): Promise<RoundResult> {
  const { mailServer, numServers, recipients } = parts;
  const database = await BenchDatabase.create(parts.database, parts.name);
  const hosts: Host[] = [];
  try {
    const smtpUrl = await mailServer.ask('url');
    const { smtpConnections } = parts;
    const bulkSmtp = parts.sender === 'bulk';
    const common = { databaseUrl: database.url, smtpUrl, smtpConnections, bulkSmtp };
    // It creates the tables and writes the list, so that all mail servers have the same work.
    const office = await startHost({ ...common, serverId: 'office:1', takesBatches: false });
    hosts.push(office);
    const servers = await Promise.all(
      Array.from({ length: numServers }, (_, n) =>
        startHost({ ...common, serverId: `mail:${n + 1}`, takesBatches: true }),
      ),
    );
    hosts.push(...servers);
    const cpu = (): Promise<Cpu> => cpuOf(servers, database, mailServer);
    const cpuBefore = await cpu();
    const locksBefore = await lockWaits(database);
    await mailServer.ask('expect', { recipients });
    const mailingId = await office.ask('send', { recipients, batchSize: BATCH_SIZE, inMs: 0 });
    await mailServer.ask('allReceived');
    const wholeSeconds = await database.completed(mailingId);
    const { messages, seconds, replyMs } = await mailServer.ask('received');
    const locks = await lockWaits(database);
    return {
      messagesPerSecond: messages / seconds,
      seconds,
      wholeSeconds,
      secondCopies: messages - recipients,
      lockWaits: { count: locks.count - locksBefore.count, ms: locks.ms - locksBefore.ms },
      cpuMsPerMessage: perMessage(cpuBefore, await cpu(), messages),
      replyMs,
    };
  } finally {
    await Promise.all(hosts.map((host) => host.end()));
    await database.dispose();
  }
}

/** The default of `batch.emailsPerBatch`. */
const BATCH_SIZE = 100;

async function lockWaits(database: BenchDatabase): Promise<LockWaits> {
  const rows = await database.rows<{ Variable_name: string; Value: string }>(
    "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_%'",
  );
  const value = (name: string): number =>
    Number(rows.find((row) => row.Variable_name.toLowerCase() === `innodb_row_lock_${name}`)?.Value ?? 0);
  return { count: value('waits'), ms: value('time') };
}

type Cpu = RoundResult['cpuMsPerMessage'];

async function cpuOf(servers: Host[], database: BenchDatabase, mailServer: MailServer): Promise<Cpu> {
  const each = await Promise.all(servers.map((server) => server.ask('cpuMs')));
  return {
    mailServers: each.reduce((sum, ms) => sum + ms, 0),
    database: await database.cpuMs(),
    smtpServer: await mailServer.ask('cpuMs'),
  };
}

function perMessage(before: Cpu, after: Cpu, messages: number): Cpu {
  return {
    mailServers: (after.mailServers - before.mailServers) / messages,
    database:
      before.database === null || after.database === null
        ? null
        : (after.database - before.database) / messages,
    smtpServer: (after.smtpServer - before.smtpServer) / messages,
  };
}
