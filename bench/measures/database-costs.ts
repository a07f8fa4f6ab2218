import { setTimeout as delay } from 'node:timers/promises';
import { startMariaDb } from '../../test/support/servers/maria-db.server.js';
import { BenchDatabase } from '../bench-database.js';
import type { MailingHostSettings } from '../mailing-host.module.js';
import type { ScalingOptions } from '../scaling/scaling.options.js';
import { type Host, type MailServer, startHost } from '../scaling/scaling.round.js';
import { countStatements, type StatementCount } from './statement-count.js';
import { type RowWeights, weighRows } from './row-weights.js';

/** Database work for so many messages, with the list already written. */
export interface MailingCost {
  per1000Messages: StatementCount;
  /** The work of writing the list. */
  listPer1000: StatementCount;
}

export interface DatabaseCosts {
  /** By the size of the batches; `local` is a mailing that is not batched. */
  mailings: Record<string, MailingCost>;
  /** The same with more messages in flight in each batch. */
  mailingsAtConcurrency20: Record<string, MailingCost>;
  /** The same with `binlog_row_image = MINIMAL`. */
  mailingsWithMinimalRowImage: Record<string, MailingCost>;
  /** The work of one idle mail server. */
  idlePerMinute: StatementCount | null;
  rows: RowWeights | null;
}

/** Null: not batched. */
const BATCH_SIZES = [20, 100, 500, null];
const FEW_BATCH_SIZES = [100, null];
const MORE_IN_FLIGHT = 20;
/** The start of the mailing, late enough for the list to be written and counted before the first message. */
const headStartMs = (recipients: number): number => 500 + recipients / 2;
const BINLOG = ['--log-bin=bench', '--binlog-format=ROW'];

/**
 * Counts the work of a database server for one mail server. It has a binary log, like every server with a replica, to count its
 * bytes. Nothing is timed here.
 */
export async function databaseCosts(options: ScalingOptions, mailServer: MailServer): Promise<DatabaseCosts> {
  const server = await startMariaDb({ arguments: BINLOG });
  try {
    const database = await BenchDatabase.create(server, 'bench');
    const costs = await costsOn(database, options, mailServer);
    await database.dispose();
    return costs;
  } finally {
    await server.stop();
  }
}

async function costsOn(
  database: BenchDatabase,
  options: ScalingOptions,
  mailServer: MailServer,
): Promise<DatabaseCosts> {
  const { smtpConnections, costRecipients: recipients, idleSeconds, listRecipients } = options;
  const smtpUrl = await mailServer.ask('url');
  const usual = {
    databaseUrl: database.url,
    smtpUrl,
    smtpConnections,
    serverId: 'mail:1',
    takesBatches: true,
  };
  const costsOf = (batchSizes: (number | null)[]) => (host: Host) =>
    mailingCosts({ database, mailServer, recipients, host }, recipients > 0 ? batchSizes : []);
  const more = { ...usual, concurrency: MORE_IN_FLIGHT, smtpConnections: 4 * MORE_IN_FLIGHT };
  const atDefaults = await withHost(usual, async (host) => ({
    mailings: await costsOf(BATCH_SIZES)(host),
    idlePerMinute: idleSeconds > 0 ? await idleCost(database, idleSeconds) : null,
    rows: listRecipients > 0 ? await weighRows(database, host, listRecipients) : null,
  }));
  const mailingsAtConcurrency20 = await withHost(more, costsOf(FEW_BATCH_SIZES));
  // It applies to new sessions.
  await database.run("SET GLOBAL binlog_row_image = 'MINIMAL'");
  const mailingsWithMinimalRowImage = await withHost(usual, costsOf(FEW_BATCH_SIZES));
  return { ...atDefaults, mailingsAtConcurrency20, mailingsWithMinimalRowImage };
}

async function withHost<T>(settings: MailingHostSettings, work: (host: Host) => Promise<T>): Promise<T> {
  const host = await startHost(settings);
  try {
    return await work(host);
  } finally {
    await host.end();
  }
}

async function mailingCosts(
  parts: Omit<MailingCostParts, 'batchSize'>,
  batchSizes: (number | null)[],
): Promise<Record<string, MailingCost>> {
  const costs: Record<string, MailingCost> = {};
  for (const batchSize of batchSizes)
    costs[batchSize ?? 'local'] = await mailingCost({ ...parts, batchSize });
  return costs;
}

interface MailingCostParts {
  database: BenchDatabase;
  host: Host;
  mailServer: MailServer;
  recipients: number;
  batchSize: number | null;
}

async function mailingCost(parts: MailingCostParts): Promise<MailingCost> {
  const { database, host, mailServer, recipients, batchSize } = parts;
  await mailServer.ask('expect', { recipients });
  const list = await countStatements(database);
  const mailingId = await host.ask('send', { recipients, batchSize, inMs: headStartMs(recipients) });
  const listCost = await list();
  const run = await countStatements(database);
  await mailServer.ask('allReceived');
  await database.completed(mailingId);
  return {
    per1000Messages: scaled(await run(), 1_000 / recipients),
    listPer1000: scaled(listCost, 1_000 / recipients),
  };
}

async function idleCost(database: BenchDatabase, seconds: number): Promise<StatementCount> {
  const count = await countStatements(database);
  await delay(seconds * 1_000);
  return scaled(await count(), 60 / seconds);
}

function scaled(count: StatementCount, by: number): StatementCount {
  const entries = Object.entries(count).map(([name, value]) => [
    name,
    Math.round((value as number) * by * 10) / 10,
  ]);
  return Object.fromEntries(entries) as unknown as StatementCount;
}
