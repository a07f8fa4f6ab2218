import { BenchDatabase } from '../bench-database.js';
import { busyShare, machineTimes } from '../cpu-time.js';
import { describeMachine } from '../machine.js';
import { rounded } from '../median.js';
import { type PostfixPrograms, postfixPrograms } from '../mail-servers/postfix.programs.js';
import { versionOf } from '../scaling/scaling.session.js';
import { CONTENDERS, type SpeedTask } from './speed.contenders.js';
import { SpeedGround } from './speed.ground.js';
import { shareOf } from './speed.limits.js';
import { MEASURES } from './speed.measures.js';
import type { SpeedOptions } from './speed.options.js';
import { type SpeedReport, type SpeedResults, type SpeedRound, speedReport } from './speed.report.js';

const NO_POSTFIX =
  'There are no smtp-sink and smtp-source of postfix: the mail server is one in Node, which lowers all rates, and "limit" is left out. ' +
  'Install the package postfix (Debian, Fedora, Homebrew) for figures that can be compared.';

/** The contenders with the distant mail server. */
const FAR_CONTENDERS = ['bare', 'bulk'];

/** All contenders in turn, round after round, so that other load of the machine affects all of them. */
export async function speed(asked: SpeedOptions, say: (line: string) => void): Promise<SpeedReport> {
  const postfix = await postfixPrograms();
  if (!postfix) say(NO_POSTFIX);
  return speedOn(postfix, asked, say);
}

/** @param postfix null: a mail sink in Node, and no `limit`. */
export async function speedOn(
  postfix: PostfixPrograms | null,
  asked: SpeedOptions,
  say: (line: string) => void,
): Promise<SpeedReport> {
  const ground = new SpeedGround(asked.farMs, postfix);
  const options = { ...asked, contenders: asked.contenders.filter((one) => postfix || one !== 'limit') };
  try {
    const machine = describeMachine(await versionOf(await ground.mariaDb()));
    const results: SpeedResults = { contenders: new Map(), far: new Map(), measures: new Map() };
    for (let round = 1; round <= options.rounds; round++) {
      for (const step of stepsOf(options, ground, results, round)) say(`round ${round}, ${await step()}`);
    }
    return speedReport(options, results, { ...machine, mailSink: postfix ? 'smtp-sink' : 'node' });
  } finally {
    await ground.stop();
  }
}

/** Runs one turn. @returns a readable result. */
type Step = () => Promise<string>;

function* stepsOf(
  options: SpeedOptions,
  ground: SpeedGround,
  results: SpeedResults,
  round: number,
): Iterable<Step> {
  for (const part of options.parts) {
    if (part === 'contenders') {
      for (const name of options.contenders) yield () => nearTurn(options, ground, results, name, round);
    } else if (part === 'far') {
      for (const name of FAR_CONTENDERS) yield () => farTurn(options, ground, results, name, round);
    } else if (part !== 'heap' || round <= options.heapRounds) {
      yield () => measureTurn(options, ground, results, part, round);
    }
  }
}

async function nearTurn(
  { recipients, smtpConnections, maxInDoubt }: SpeedOptions,
  ground: SpeedGround,
  { contenders }: SpeedResults,
  contender: string,
  round: number,
): Promise<string> {
  const sink = await ground.sink();
  const name = `${contender}_${round}`;
  const task = { smtpUrl: sink.url, recipients, smtpConnections, maxInDoubt, name };
  const [before, cpuBefore] = [await sink.bytes(), await sink.cpuMs()];
  const result = await turn(ground, contender, task);
  const [after, cpuAfter] = [await sink.bytes(), await sink.cpuMs()];
  const bytesPerMessage = before === null || after === null ? null : (after - before) / recipients;
  const mailServerMs = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  const mailServer = shareOf(mailServerMs, recipients / result.messagesPerSecond);
  note(contenders, contender, { ...result, bytesPerMessage, cpuShares: { ...result.cpuShares, mailServer } });
  return `${contender}: ${Math.round(result.messagesPerSecond)} messages/s`;
}

async function farTurn(
  { farRecipients, smtpConnections, maxInDoubt }: SpeedOptions,
  ground: SpeedGround,
  { far }: SpeedResults,
  contender: string,
  round: number,
): Promise<string> {
  const smtpUrl = await (await ground.farMailServer()).ask('url');
  const name = `far_${contender}_${round}`;
  const task = { smtpUrl, recipients: farRecipients, smtpConnections, maxInDoubt, name };
  const result = await turn(ground, contender, task);
  note(far, contender, { ...result, bytesPerMessage: null });
  return `${contender}, far away: ${Math.round(result.messagesPerSecond)} messages/s`;
}

async function measureTurn(
  { listRecipients, progressRecipients, smtpConnections, maxInDoubt }: SpeedOptions,
  ground: SpeedGround,
  { measures }: SpeedResults,
  measure: string,
  round: number,
): Promise<string> {
  const database = await BenchDatabase.create(await ground.mariaDb(), `bench_${measure}_${round}`);
  try {
    const recipients = measure === 'progress' ? progressRecipients : listRecipients;
    const value = await MEASURES[measure](ground, { recipients, smtpConnections, maxInDoubt, database });
    note(measures, measure, value);
    return `${measure}: ${value.toFixed(1)}`;
  } finally {
    await database.dispose();
  }
}

async function turn(
  ground: SpeedGround,
  contender: string,
  task: SpeedTask,
): Promise<Omit<SpeedRound, 'bytesPerMessage'>> {
  const before = machineTimes();
  const result = await CONTENDERS[contender](ground, task);
  const machine = busyShare(before, machineTimes());
  const { seconds, cpuSeconds, storeCpuSeconds, statements } = result;
  const shareFor = (value: number | null): number | null =>
    shareOf(value === null ? null : value * 1_000, seconds);
  const per1000 = (value: number | null): number | null => value && (value * 1_000) / task.recipients;
  return {
    messagesPerSecond: task.recipients / seconds,
    cpuSecondsPer1000: per1000(cpuSeconds),
    cpuShares: {
      machine: machine === null ? null : rounded(machine),
      contender: shareFor(cpuSeconds),
      store: shareFor(storeCpuSeconds),
      mailServer: null,
    },
    statementsPer1000: per1000(statements),
  };
}

function note<T>(results: Map<string, T[]>, name: string, result: T): void {
  results.set(name, [...(results.get(name) ?? []), result]);
}
