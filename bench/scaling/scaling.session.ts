import { type MariaDbServer, startMariaDb } from '../../test/support/servers/maria-db.server.js';
import { connectToServer } from '../../test/support/databases/server-connection.js';
import { BenchChild } from '../bench-child.js';
import { databaseCosts } from '../measures/database-costs.js';
import { describeMachine } from '../machine.js';
import type { ScalingOptions } from './scaling.options.js';
import { type ScalingReport, scalingReport } from './scaling.report.js';
import { type MailServer, type RoundResult, scalingRound } from './scaling.round.js';

/** Rounds in turn, so that other load of the machine affects all of them; then the database costs. */
export async function scaling(options: ScalingOptions, say: (line: string) => void): Promise<ScalingReport> {
  const mailServer: MailServer = await BenchChild.start('mail-servers/slow-mail-server.process.ts', {
    replyMs: options.replyMs,
  });
  try {
    const database = await startMariaDb();
    try {
      const machine = describeMachine(await versionOf(database));
      const results = await roundsInTurn(options, database, mailServer, say);
      await database.stop();
      say('what it costs the database');
      return scalingReport(options, results, await databaseCosts(options, mailServer), machine);
    } finally {
      await database.stop();
    }
  } finally {
    await mailServer.end();
  }
}

async function roundsInTurn(
  { servers, rounds, recipients, smtpConnections, sender }: ScalingOptions,
  database: MariaDbServer,
  mailServer: MailServer,
  say: (line: string) => void,
): Promise<Map<number, RoundResult[]>> {
  const results = new Map<number, RoundResult[]>(servers.map((number) => [number, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const numServers of servers) {
      const name = `round_${round}_of_${numServers}`;
      const parts = { database, mailServer, numServers, recipients, smtpConnections, sender, name };
      const result = await scalingRound(parts);
      results.get(numServers)?.push(result);
      const rate = Math.round(result.messagesPerSecond);
      say(`round ${round}, ${numServers} servers: ${rate} messages/s in ${result.seconds.toFixed(1)} s`);
    }
  }
  return results;
}

/** The version by the server. */
export async function versionOf(database: MariaDbServer): Promise<string> {
  const connection = await connectToServer(database.url);
  try {
    const [rows] = await connection.query('SELECT VERSION() AS version');
    return (rows as { version: string }[])[0].version;
  } finally {
    await connection.end();
  }
}
