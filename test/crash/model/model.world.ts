import { EmailAddress, MailBatch, Mailing } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { readProgress } from '../../support/databases/stored-progress.js';
import { waitUntil } from '../../support/wait-until.js';
import { CONCURRENCY, MAX_IN_DOUBT, ModelServer } from './model.server.js';
import { type Answer, ModelTransport } from './model.transport.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const NO_TERMS = { idempotencyKey: null, sendAt: null, doNotStartAfter: null };

const STOPPED = new Set<string>(['pausing', 'paused', 'canceling', 'canceled']);

/** What is expected of one mailing, whatever happens to it. */
interface Expectation {
  mailingId: string;
  /** Further copies by address, allowed by a retry of recipients in doubt. */
  allowed: Map<string, number>;
  /** Set while no message may begin, because a pause or cancel was requested at the server with its run. */
  numBegunWhenStopped: number | null;
}

/** Two servers, one database and one mail server. The promise has to hold after every step. */
export class ModelWorld {
  readonly transport = new ModelTransport();
  readonly #mailings: Expectation[] = [];
  #servers: ModelServer[] = [];
  #numSent = 0;
  #numCrashes = 0;
  /** Maximum in doubt in one mailing after the crashes so far. */
  #mostInDoubt = 0;
  #numLost = 0;

  /** @param journalDir of the servers with a journal. */
  constructor(
    private readonly dataSource: DataSource,
    private readonly journalDir: string | null,
  ) {
    this.#servers = ['one:1', 'two:2'].map((id) => this.#server(id));
  }

  #server(id: string): ModelServer {
    return new ModelServer(this.dataSource, id, this.transport, this.journalDir);
  }

  isAlive(n: number): boolean {
    return !this.#servers[n].isDead;
  }

  get hasMailing(): boolean {
    return this.#mailings.length > 0;
  }

  /** @param batchSize null: not batched, sent by the server that accepts it. */
  async send(n: number, count: number, batchSize: number | null): Promise<void> {
    // From here on other mailings may begin messages too.
    for (const expected of this.#mailings) expected.numBegunWhenStopped = null;
    const name = `m${this.#numSent++}`;
    const people = Array.from({ length: count }, (_, idx) => `${name}.${idx}@home.example`);
    const { mailingId } = await this.#servers[n].intake.accept(INFO, people, { ...NO_TERMS, batchSize }, {});
    this.#mailings.push({ mailingId: mailingId as string, allowed: new Map(), numBegunWhenStopped: null });
  }

  answer(answer: Answer, count: number): void {
    if (answer === 'lose') this.#numLost += count;
    this.transport.answer(answer, count);
  }

  tick(n: number): Promise<void> {
    return this.#servers[n].tick();
  }

  crash(n: number): void {
    this.#numCrashes++;
    // One slice of a mailing that is not batched, or as many batches as the server worked on.
    const { hasJournal, numBatches } = this.#servers[n];
    this.#mostInDoubt += (hasJournal ? CONCURRENCY : MAX_IN_DOUBT) * Math.max(1, numBatches);
    this.#servers[n].die();
  }

  restart(n: number): Promise<void> {
    const { id } = this.#servers[n];
    this.#servers[n] = this.#server(id);
    return this.#servers[n].tick();
  }

  async execute(n: number, which: number, command: 'pause' | 'resume' | 'cancel'): Promise<void> {
    const expected = this.#mailings[which % this.#mailings.length];
    const server = this.#servers[n];
    if (command === 'resume') expected.numBegunWhenStopped = null;
    const isHere = server.works(expected.mailingId);
    const status = await server.commands[command](expected.mailingId);
    const isStopping = STOPPED.has(status);
    // With one mailing no other run begins messages.
    if (command !== 'resume' && isHere && isStopping && this.#mailings.length === 1) {
      expected.numBegunWhenStopped = this.transport.numBegun;
    }
  }

  async retry(n: number, which: number, what: 'error' | 'in_doubt'): Promise<void> {
    const expected = this.#mailings[which % this.#mailings.length];
    if (what === 'in_doubt') {
      for (const address of await this.#maybeInDoubt(expected.mailingId)) {
        expected.allowed.set(address, (expected.allowed.get(address) ?? 0) + 1);
      }
    }
    const numStopped = expected.numBegunWhenStopped;
    // The cancel may have come too late, and then the retry reopens a completed mailing at once.
    expected.numBegunWhenStopped = null;
    await this.#servers[n].commands.retry(expected.mailingId, what).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'MAILING_ENDED') throw error;
    });
    const { status } = await this.dataSource
      .getRepository(Mailing)
      .findOneByOrFail({ id: expected.mailingId });
    if (STOPPED.has(status)) expected.numBegunWhenStopped = numStopped;
  }

  /** @throws Error naming the part of the promise that is broken. */
  async check(): Promise<void> {
    for (const expected of this.#mailings) await this.#checkMailing(expected);
  }

  /** Brings every mailing to its end: all servers live, no mailing is paused, and every message is accepted. */
  async finish(): Promise<void> {
    this.transport.isEasy = true;
    this.answer('accept', Number.MAX_SAFE_INTEGER);
    for (let n = 0; n < this.#servers.length; n++) if (!this.isAlive(n)) await this.restart(n);
    for (const expected of this.#mailings) {
      expected.numBegunWhenStopped = null;
      await this.#servers[0].commands.resume(expected.mailingId);
    }
    const open = async (): Promise<boolean> => {
      for (const server of this.#servers) await server.tick();
      const mailings = await this.dataSource.getRepository(Mailing).find();
      return mailings.every(({ status }) => ['completed', 'canceled', 'failed'].includes(status));
    };
    await waitUntil(open, { what: 'every mailing to come to an end' });
    await this.check();
    for (const server of this.#servers) await server.stop();
  }

  async #checkMailing({ mailingId, allowed, numBegunWhenStopped }: Expectation): Promise<void> {
    const { mailing, recipients, byStatus } = await this.#consistentProgress(mailingId);
    const { sent = 0, error = 0, in_doubt = 0, skipped = 0 } = byStatus;
    const said = [mailing.numSent, mailing.numErrors, mailing.numSkipped].join();
    const counted = [sent, error + in_doubt, skipped].join();
    // Counters of batches are checked by `#consistentProgress`.
    const isOpen = mailing.isBatched && !['completed', 'canceled'].includes(mailing.status);
    if (!isOpen && said !== counted)
      throw new Error(`The counters of ${mailingId} say ${said}, its rows ${counted}.`);
    if (mailing.status === 'completed' && sent + error + in_doubt + skipped !== recipients.length) {
      throw new Error(`${mailingId} is completed with recipients left.`);
    }
    for (const { emailAddress, status } of recipients as EmailAddress[]) {
      const copies = this.transport.copiesOf(emailAddress);
      if (copies > 1 + (allowed.get(emailAddress) ?? 0)) {
        throw new Error(`${emailAddress} (${status}) may have got ${copies} copies.`);
      }
      if (status === 'sent' && copies === 0)
        throw new Error(`${emailAddress} is called sent and got nothing.`);
    }
    if (in_doubt > this.#mostInDoubt + this.#numLost) {
      throw new Error(`${in_doubt} are in doubt after ${this.#numCrashes} crashes.`);
    }
    const begun = this.transport.numBegun;
    if (numBegunWhenStopped !== null && begun > numBegunWhenStopped) {
      throw new Error(`${begun - numBegunWhenStopped} messages began after pause or cancel.`);
    }
  }

  /** Reads again until nothing changed meanwhile, because a commit may come between two statements. */
  #consistentProgress(mailingId: string): ReturnType<typeof readProgress> {
    return waitUntil(
      async () => {
        const before = await this.#stamp(mailingId);
        const progress = await readProgress(this.dataSource, mailingId);
        const complaint = progress.mailing.isBatched ? await this.#complaintAboutBatches(mailingId) : null;
        if (before !== (await this.#stamp(mailingId))) return null;
        if (complaint) throw complaint;
        return progress;
      },
      { what: 'the progress to hold still' },
    );
  }

  async #complaintAboutBatches(mailingId: string): Promise<Error | null> {
    return assertBatchesAddUp(this.dataSource, mailingId).then(
      () => null,
      (error: Error) => error,
    );
  }

  async #stamp(mailingId: string): Promise<string> {
    const mailing = await this.dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId });
    const batches = await this.dataSource
      .getRepository(MailBatch)
      .find({ where: { mailingId }, order: { startIdx: 'ASC' } });
    return [mailing, ...batches]
      .flatMap(({ commitSeq, status, numErrors, numSent }) => [commitSeq, status, numErrors, numSent])
      .join();
  }

  /** Recipients in doubt, and those that a concurrent recovery may set to it before the command is committed. */
  async #maybeInDoubt(mailingId: string): Promise<string[]> {
    const { recipients } = await readProgress(this.dataSource, mailingId);
    return recipients.flatMap((one) =>
      one instanceof EmailAddress && ['in_doubt', 'sending'].includes(one.status) ? one.emailAddress : [],
    );
  }
}
