import { startMariaDb } from '../test/support/maria-db.server.js';
import { PostgresServer } from '../test/support/postgres.server.js';
import { RedisServer } from '../test/support/redis.server.js';
import { MailSink } from './mail-sink.js';
import { describeMachine } from './machine.js';
import { versionOf } from './scaling.session.js';
import { CONTENDERS, type SpeedGround, type SpeedTask } from './speed.contenders.js';
import type { SpeedOptions } from './speed.options.js';
import { type SpeedReport, type SpeedRound, speedReport } from './speed.report.js';

/** All contenders in turn, round after round, so that whatever else the machine does meets all of them. */
export async function speed(options: SpeedOptions, say: (line: string) => void): Promise<SpeedReport> {
  const servers: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(server: T): T => {
    servers.push(server);
    return server;
  };
  try {
    const sink = keep(await MailSink.start());
    const mariaDb = keep(await startMariaDb());
    const postgres = keep(await PostgresServer.create());
    const redis = keep(await RedisServer.create());
    return await roundsInTurn(options, { sink, mariaDb, postgres, redis }, say);
  } finally {
    for (const server of servers.reverse()) await server.stop();
  }
}

async function roundsInTurn(
  options: SpeedOptions,
  ground: SpeedGround,
  say: (line: string) => void,
): Promise<SpeedReport> {
  const machine = describeMachine(await versionOf(ground.mariaDb));
  const rounds = new Map<string, SpeedRound[]>(options.contenders.map((name) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const contender of options.contenders) {
      const { recipients, smtpConnections, maxInDoubt } = options;
      const task = { recipients, smtpConnections, maxInDoubt, name: `${contender}_${round}` };
      const result = await turn(ground, contender, task);
      rounds.get(contender)?.push(result);
      say(`round ${round}, ${contender}: ${Math.round(result.messagesPerSecond)} messages/s`);
    }
  }
  return speedReport(options, rounds, machine);
}

async function turn(ground: SpeedGround, contender: string, task: SpeedTask): Promise<SpeedRound> {
  const before = await ground.sink.bytes();
  const { seconds, cpuSeconds, statements } = await CONTENDERS[contender](ground, task);
  const after = await ground.sink.bytes();
  const per1000 = (value: number | null): number | null => value && (value * 1_000) / task.recipients;
  return {
    messagesPerSecond: task.recipients / seconds,
    bytesPerMessage: before === null || after === null ? null : (after - before) / task.recipients,
    cpuSecondsPer1000: per1000(cpuSeconds),
    statementsPer1000: per1000(statements),
  };
}
