import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type EmailAddress, Mailing } from 'nestjs-mailing';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { builtProgram } from '../../support/hosts/built-program.js';
import type { FaultPoint } from '../../../libs/mailing/src/model/ports/fault-points.js';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';
import { SurvivingLives } from './surviving-lives.js';

const DYING_LIFE = builtProgram('dying-life.process');
const RECIPIENTS = 16;
const CONCURRENCY = 2;
/** Far more than are in flight. */
const MAX_IN_DOUBT = 12;
/** Without a journal all of them may be in doubt. */
const MAX_IN_DOUBT_WITHOUT_JOURNAL = 4;
const LIFE_DEADLINE_MS = 25_000;
/** Batches that a process works on at a time, and so the slices that its death leaves. */
const BATCH_THREADS = 2;
const BATCH_SIZE = 4;
/** Messages of the batched mailing that are answered before it is paused, so that the pause comes in the middle of its batches. */
const ANSWERED_BEFORE_PAUSE = 8;

export interface Death {
  at: FaultPoint;
  /** The number of the visit. Default: the first. */
  on?: number;
  server?: string;
}

export interface LifeOptions {
  /** Both mailings are batched. Default: false. */
  isBatched?: boolean;
  /** Default: false. */
  isBulk?: boolean;
  /** `named`: in a folder that an option names. Default: where a journal is by default. */
  journal?: 'off' | 'named';
}

/** A change to the journal of a process after its death. */
export interface Mishap {
  befalls: (path: string) => Promise<void>;
  /** Whether the journal may still be trusted. */
  isBelieved: boolean;
}

/** Runs the whole life of two mailings, in processes that die at one fault point after another, and checks the promise. */
export class KilledLife {
  private database: FreshDatabase;
  private inbox: SmtpInbox;
  private folder: string;

  readonly #survivors = new SurvivingLives();
  /** Recipients whose message the mail server was asked to take. */
  readonly #begun = new Set<string>();

  private constructor(private readonly how: LifeOptions) {}

  /** Call it inside `describe`. */
  static forEachTest(kind: DatabaseKind, how: LifeOptions = {}): KilledLife {
    const { isBatched = false } = how;
    const life = new KilledLife(how);
    beforeEach(async () => {
      life.database = await freshDatabase(kind);
      const answer = unevenAnswers(isBatched ? life.#holdUntilPaused() : () => Promise.resolve());
      life.#begun.clear();
      life.inbox = await SmtpInbox.start({
        keepRaw: 0,
        answer: (step) => {
          if (step.command === 'DATA') life.#begun.add(step.to[0]);
          return answer(step);
        },
      });
      life.folder = await mkdtemp(join(tmpdir(), 'mailing-life-'));
      await writeFile(join(life.folder, 'letter.hbs'), '<p>Hello</p>');
    });
    afterEach(async () => {
      await life.inbox.close();
      await life.database.dispose();
      await rm(life.folder, { recursive: true, force: true });
    });
    afterAll(() => life.#survivors.stop());
    return life;
  }

  /**
   * Runs a new process for each of these deaths, then lives to the end in one that survives, and checks the promise.
   *
   * @returns what is wrong, in words; empty if the promise was kept.
   */
  async dies(deaths: Death[], mishap?: Mishap): Promise<string[]> {
    for (const death of deaths) {
      const end = await this.#die(death);
      if (end !== 'SIGKILL') return [`did not die at ${death.at}, but: ${end}`];
      if (mishap) await this.#suffer(mishap);
    }
    const end = await this.#survivors.live(this.#env(), LIFE_DEADLINE_MS);
    if (end !== 'lived') return [`did not come to its end: ${end}`];
    const mailings = await this.database.dataSource.getRepository(Mailing).findBy({});
    const copies = this.inbox.countsByRecipient();
    const complaints = [...copies]
      .filter(([, count]) => count > 1)
      .map(([address, count]) => `${address} got ${count} copies`);
    for (const mailing of mailings) {
      if (mailing.status === 'failed') continue;
      const isKnown = this.how.journal !== 'off' && mishap?.isBelieved !== false;
      const mostOfOne = isKnown ? CONCURRENCY : this.#maxInDoubt;
      complaints.push(...(await this.#judge(mailing, copies, deaths.length * mostOfOne)));
      // Only the sender of the plugin tells the journal when a body begins.
      if (isKnown && this.how.isBulk) complaints.push(...(await this.#notBegun(mailing)));
    }
    return complaints;
  }

  get #maxInDoubt(): number {
    return this.how.journal === 'off' ? MAX_IN_DOUBT_WITHOUT_JOURNAL : MAX_IN_DOUBT;
  }

  get #journals(): string {
    return join(this.folder, 'journals');
  }

  async #suffer({ befalls }: Mishap): Promise<void> {
    const [name] = await readdir(this.#journals);
    await befalls(join(this.#journals, name));
  }

  /** Recipients in doubt of the mailing that was sent; after `dies`. */
  async numInDoubt(): Promise<number> {
    const mailings = this.database.dataSource.getRepository(Mailing);
    const { id } = await mailings.findOneByOrFail({ idempotencyKey: 'reader' });
    const { recipients } = await readProgress(this.database.dataSource, id);
    return recipients.filter(({ errorCode }) => errorCode === 'in_doubt').length;
  }

  /** Runs a process until it kills itself; resolves with how it ended. */
  async #die({ at, on = 1, server }: Death): Promise<string> {
    const child = spawn(process.execPath, [DYING_LIFE], {
      env: { ...process.env, ...this.#env(server), MAILING_DIE_AT: at, MAILING_DIE_ON: String(on) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (output += text.toString()));
    const timer = setTimeout(() => child.kill('SIGTERM'), LIFE_DEADLINE_MS);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearTimeout(timer);
    return signal ?? (code === 0 ? 'lived' : output);
  }

  #env(server = 'test:1'): Record<string, string> {
    const { journal = '', isBulk = false, isBatched = false } = this.how;
    return {
      DATABASE_URL: this.database.url,
      SMTP_URL: this.inbox.url,
      TEMPLATE_DIR: this.folder,
      DONE_FILE: join(this.folder, 'done'),
      SERVER_ID: server,
      RECIPIENTS: String(RECIPIENTS),
      CONCURRENCY: String(CONCURRENCY),
      MAX_IN_DOUBT: String(this.#maxInDoubt),
      JOURNAL: journal === 'named' ? this.#journals : journal,
      BULK_SMTP: isBulk ? 'yes' : 'no',
      BATCH_SIZE: String(isBatched ? BATCH_SIZE : 0),
      BATCH_THREADS: String(BATCH_THREADS),
    };
  }

  /** @returns a function that waits before the answer to a message. */
  #holdUntilPaused(): (to: string) => Promise<void> {
    let answered = 0;
    let wasPaused = false;
    return async (to) => {
      if (!to.startsWith('reader') || answered++ < ANSWERED_BEFORE_PAUSE) return;
      while (!wasPaused) {
        const mailings = this.database.dataSource.getRepository(Mailing);
        const mailing = await mailings.findOneBy({ idempotencyKey: 'reader' });
        const stepsDone = await readFile(join(this.folder, 'done'), 'utf8').catch(() => '');
        wasPaused ||= mailing?.status !== 'in_progress' || stepsDone.includes('paused');
        await delay(5);
      }
    };
  }

  /** Recipients in doubt of whose message the mail server saw nothing. */
  async #notBegun({ id }: Mailing): Promise<string[]> {
    const { recipients } = await readProgress(this.database.dataSource, id);
    return (recipients as EmailAddress[])
      .filter(({ errorCode, emailAddress }) => errorCode === 'in_doubt' && !this.#begun.has(emailAddress))
      .map(({ emailAddress }) => `${emailAddress} is in doubt, and its message was never begun`);
  }

  async #judge(
    { id, idempotencyKey, status }: Mailing,
    copies: ReadonlyMap<string, number>,
    mostOfOneSlice: number,
  ): Promise<string[]> {
    const { dataSource } = this.database;
    const progress = await readProgress(dataSource, id);
    // Throws by itself.
    if (idempotencyKey === 'reader') assertProgressAddsUp(progress);
    const { isBatched = false } = this.how;
    const batches = isBatched ? await assertBatchesAddUp(dataSource, id) : [];
    const recipients = progress.recipients as EmailAddress[];
    const { sent = 0, sending = 0 } = progress.byStatus;
    // Settled recipients in doubt count as errors; one more is the recipient whose connection is closed on purpose.
    const lost = recipients.filter(({ errorCode }) => errorCode === 'in_doubt').length;
    const mostLost = (isBatched ? BATCH_THREADS : 1) * mostOfOneSlice;
    const complaints = recipients
      .filter((one) => hasWrongCopies(one, copies.get(one.emailAddress) ?? 0))
      .map((one) => `${one.emailAddress} is ${one.status} and got ${copies.get(one.emailAddress) ?? 0}`);
    const claim = (holds: boolean, complaint: string): void => void (holds || complaints.push(complaint));
    claim(recipients.length === RECIPIENTS, `${recipients.length} recipients`);
    claim(!isBatched || batches.length === RECIPIENTS / BATCH_SIZE, `${batches.length} batches`);
    claim(!batches.some((one) => one.status === 'claimed'), 'a batch is still claimed');
    claim(lost <= mostLost, `${lost} in doubt, ${mostLost} is the most`);
    claim(sending === 0, `${sending} still sending`);
    claim(status !== 'completed' || sent >= RECIPIENTS - lost - 1, `only ${sent} sent, ${lost} in doubt`);
    return complaints;
  }
}

function hasWrongCopies({ status }: EmailAddress, copies: number): boolean {
  return (status === 'sent' && copies !== 1) || (status === 'pending' && copies !== 0);
}

/** One recipient is refused at first, one gets a temporary error, and one message is accepted without an answer. */
function unevenAnswers(hold: (to: string) => Promise<void>): SmtpHook {
  const refusals = new Map([
    ['reader3@home.example', { code: 550, text: '5.1.1 no such user' }],
    ['reader6@home.example', { code: 450, text: '4.2.0 greylisted' }],
  ]);
  return async ({ command, to }) => {
    if (command === 'END') {
      await hold(to[0]);
      return to[0] === 'reader9@home.example' ? 'close' : undefined;
    }
    const refusal = command === 'RCPT' ? refusals.get(to[0]) : undefined;
    refusals.delete(refusal ? to[0] : '');
    return refusal;
  };
}
