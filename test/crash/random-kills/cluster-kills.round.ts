import { setTimeout as delay } from 'node:timers/promises';
import { Mailing, mailingEntities, mailingMigrations } from 'nestjs-mailing';
import { seededRandom } from '../../../src/demo/seeded-random.js';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { readProgress } from '../../support/databases/stored-progress.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { NewsletterService } from '../../support/hosts/newsletter-service.js';
import { readerAddresses } from '../../support/hosts/reader-list.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { waitUntil } from '../../support/wait-until.js';
import { BATCH_THREADS, MAIL_SERVER } from '../processes/mail-servers.js';
import { factsOf } from '../processes/promise.js';
import { boundOf, environmentOf, type RoundParts, type RoundResult } from './random-kills.round.js';

const BATCHES = 100;
/** A round fails after so long without a message. */
const MAX_SILENCE_MS = 30_000;
/** Slow enough for servers to be killed and restarted during the mailing. */
const MAX_ANSWER_MS = 200;
/** Average number of messages from one kill to the next. */
const MESSAGES_PER_KILL = 60;
/** A kill comes up to this long after its message, so that it meets every phase of a commit. */
const MAX_DELAY_MS = 15;

/** One mailing in 100 batches through servers that are killed and restarted one after another. */
export class ClusterKillsRound {
  readonly #random: () => number;
  readonly #servers: NewsletterService[] = [];
  readonly #started: NewsletterService[] = [];
  #kills = 0;

  private constructor(
    private readonly parts: RoundParts,
    private readonly database: FreshDatabase,
    private readonly inbox: SmtpInbox,
  ) {
    this.#random = seededRandom(parts.seed);
  }

  static async run(parts: RoundParts): Promise<RoundResult> {
    const random = seededRandom(parts.seed ^ 0x5bd1e995);
    await using database = await freshDatabase(parts.database, {
      dataSource: { entities: mailingEntities, migrations: mailingMigrations },
    });
    await using inbox = await SmtpInbox.start({
      keepRaw: 0,
      answer: ({ command }) => (command === 'END' ? delay(random() * MAX_ANSWER_MS) : undefined),
    });
    return await new ClusterKillsRound(parts, database, inbox).#run();
  }

  async #run(): Promise<RoundResult> {
    const killAll = (): void => void this.#servers.map((server) => server.kill());
    this.parts.stop?.addEventListener('abort', killAll);
    try {
      const { recipients, servers = 1 } = this.parts;
      for (let n = 0; n < servers; n++) this.#start(n);
      await this.#servers[0].listening();
      const mailingId = await this.#servers[0].send(recipients);
      while (!(await this.#isCompleted(mailingId))) {
        const wanted = this.inbox.messages.length + 1 + 2 * this.#random() * MESSAGES_PER_KILL;
        if (await this.#received(wanted, mailingId)) await this.#killOne();
      }
      for (const server of this.#servers) server.signal('SIGTERM');
      await Promise.all(this.#servers.map((server) => this.#ended(server)));
      return await this.#verdict(mailingId);
    } finally {
      this.parts.stop?.removeEventListener('abort', killAll);
      await Promise.all(this.#servers.map((server) => server.kill()));
    }
  }

  async #verdict(mailingId: string): Promise<RoundResult> {
    const { dataSource } = this.database;
    await assertBatchesAddUp(dataSource, mailingId);
    const facts = factsOf({
      progress: await readProgress(dataSource, mailingId),
      inbox: this.inbox,
      recipients: readerAddresses(this.parts.recipients),
      crashes: this.#kills,
      maxInDoubt: BATCH_THREADS * boundOf(this.parts),
    });
    const freed = this.#started.flatMap(({ reports }) =>
      reports.filter(({ name }) => name === 'batch:freed'),
    );
    const maxInDoubtPerKill = Math.max(0, ...freed.map((report) => Number(report.facts.numInDoubt)));
    return { kills: this.#kills, facts, maxInDoubtPerKill };
  }

  #start(n: number): void {
    this.parts.stop?.throwIfAborted();
    const server = NewsletterService.launch({
      databaseUrl: this.database.url,
      smtpUrl: this.inbox.url,
      serverId: `server:${n}`,
      main: MAIL_SERVER,
      env: {
        TAKES_BATCHES: 'yes',
        ...environmentOf(this.parts),
        BATCH_THREADS: String(BATCH_THREADS),
        BATCH_SIZE: String(Math.max(1, Math.ceil(this.parts.recipients / BATCHES))),
      },
    });
    this.parts.watch?.started(server.pid);
    this.#servers[n] = server;
    this.#started.push(server);
  }

  /** Any server, working or still starting; it is restarted at once. */
  async #killOne(): Promise<void> {
    await delay(this.#random() * MAX_DELAY_MS);
    const n = Math.floor(this.#random() * this.#servers.length);
    const server = this.#servers[n];
    if (!server.isRunning) throw new Error(`A server ended by itself:\n${server.output}`);
    server.signal('SIGKILL');
    await this.#ended(server);
    this.#kills++;
    this.#start(n);
  }

  async #ended(server: NewsletterService): Promise<void> {
    await server.ended();
    this.parts.watch?.ended(server.pid);
  }

  /** @returns false if the mailing was completed before. */
  async #received(wanted: number, mailingId: string): Promise<boolean> {
    let received = -1;
    let progressAt = 0;
    const look = async (): Promise<'there' | 'completed' | null> => {
      this.parts.stop?.throwIfAborted();
      if (await this.#isCompleted(mailingId)) return 'completed';
      if (this.inbox.messages.length >= wanted) return 'there';
      if (this.inbox.messages.length !== received) {
        [received, progressAt] = [this.inbox.messages.length, performance.now()];
      }
      if (performance.now() - progressAt > MAX_SILENCE_MS) {
        const output = this.#servers.map((server) => server.output).join('\n');
        throw new Error(`Nothing received after ${received} messages:\n${output}`);
      }
      return null;
    };
    return (await waitUntil(look, { what: 'messages', deadlineMs: Infinity })) === 'there';
  }

  #isCompleted(id: string): Promise<boolean> {
    return this.database.dataSource.getRepository(Mailing).existsBy({ id, status: 'completed' });
  }
}
