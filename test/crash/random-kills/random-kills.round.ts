import { setTimeout as delay } from 'node:timers/promises';
import { EmailAddress, Mailing, mailingEntities, mailingMigrations } from 'nestjs-mailing';
import { seededRandom } from '../../../src/demo/seeded-random.js';
import { readProgress } from '../../support/databases/stored-progress.js';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { NewsletterService } from '../../support/hosts/newsletter-service.js';
import { readerAddresses } from '../../support/hosts/reader-list.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';
import { waitUntil } from '../../support/wait-until.js';
import { type Facts, factsOf, MAX_IN_DOUBT } from '../processes/promise.js';
import { planKills, type PlannedKill } from './random-kills.plan.js';

/** A round fails after so long without a message. */
const MAX_SILENCE_MS = 20_000;

export interface RoundParts {
  database: DatabaseKind;
  recipients: number;
  /** Several servers share the mailing in batches. Default: 1. */
  servers?: number;
  /** Send by `bulkSmtp`. Default: false. */
  bulkSmtp?: boolean;
  /** False: without one, and with fewer recipients marked ahead. Default: true, where a journal is by default. */
  journal?: boolean;
  seed: number;
  /** Ends the round early; it then rejects. */
  stop?: AbortSignal;
  /** Called for each process that is started and that has ended. */
  watch?: { started(pid: number): void; ended(pid: number): void };
}

export interface RoundResult {
  kills: number;
  facts: Facts;
  /** Maximum of recipients that one recovery left in doubt. */
  maxInDoubtPerKill: number;
}

/** Sends one mailing through a fresh database, kills and restarts its process until it is completed, and checks the promise. */
export class RandomKillsRound {
  readonly #random: () => number;
  #service: NewsletterService | null = null;
  #kills = 0;
  #inDoubt = 0;
  #maxInDoubtPerKill = 0;

  private constructor(
    private readonly parts: RoundParts,
    private readonly database: FreshDatabase,
    private readonly inbox: SmtpInbox,
  ) {
    this.#random = seededRandom(parts.seed);
  }

  static async run(parts: RoundParts): Promise<RoundResult> {
    // The entities of the built package, which is what reads the rows.
    const database = await freshDatabase(parts.database, {
      dataSource: { entities: mailingEntities, migrations: mailingMigrations },
    });
    try {
      await using inbox = await SmtpInbox.start({ keepRaw: 0, answer: latencies(parts.seed) });
      return await new RandomKillsRound(parts, database, inbox).#run();
    } finally {
      await database.dispose();
    }
  }

  async #run(): Promise<RoundResult> {
    const kill = (): void => void this.#service?.kill();
    this.parts.stop?.addEventListener('abort', kill);
    try {
      const { recipients } = this.parts;
      this.#service = this.#launch();
      await this.#service.listening();
      const mailingId = await this.#service.send(recipients);
      for (const planned of planKills(recipients, this.#random)) {
        if (!(await this.#reach(planned, mailingId))) break;
        await this.#end(planned.signal, mailingId);
        this.#service = this.#launch();
      }
      await this.#completed(mailingId);
      await this.#end(null, mailingId);
      const progress = await readProgress(this.database.dataSource, mailingId);
      const judged = { progress, inbox: this.inbox, recipients: readerAddresses(recipients) };
      const facts = factsOf({ ...judged, crashes: this.#kills, maxInDoubt: boundOf(this.parts) });
      return { kills: this.#kills, facts, maxInDoubtPerKill: this.#maxInDoubtPerKill };
    } finally {
      this.parts.stop?.removeEventListener('abort', kill);
      await this.#service?.kill();
    }
  }

  #launch(): NewsletterService {
    this.parts.stop?.throwIfAborted();
    const service = NewsletterService.launch({
      databaseUrl: this.database.url,
      smtpUrl: this.inbox.url,
      env: environmentOf(this.parts),
    });
    this.parts.watch?.started(service.pid);
    return service;
  }

  /** Waits for the moment. @returns false if the mailing was completed before. */
  async #reach({ moment }: PlannedKill, mailingId: string): Promise<boolean> {
    if (moment.at === 'message') await this.#messages(moment.count, mailingId);
    if (moment.at === 'recovery') {
      await this.#until('the mailing to go on', mailingId, () =>
        ['run:recovered', 'run:started', 'run:ended'].some((name) => this.#reported(name)),
      );
    }
    // A plain delay: the random moment is what is tested.
    await delay(moment.delayMs);
    return !(await this.#isCompleted(mailingId));
  }

  #messages(count: number, mailingId: string): Promise<void> {
    return this.#until(`${count} messages`, mailingId, () => this.inbox.messages.length >= count);
  }

  async #completed(mailingId: string): Promise<void> {
    await this.#until('the mailing to complete', mailingId, () => false);
  }

  /**
   * Waits for a condition, or for the end of the mailing.
   *
   * @throws Error if the process has ended by itself, or nothing is received for too long.
   */
  async #until(what: string, mailingId: string, condition: () => boolean): Promise<void> {
    let received = -1;
    let progressAt = 0;
    const look = async (): Promise<boolean> => {
      this.parts.stop?.throwIfAborted();
      if (condition() || (await this.#isCompleted(mailingId))) return true;
      if (!this.#service?.isRunning) {
        throw new Error(`The service ended by itself:\n${this.#service?.output}`);
      }
      if (this.inbox.messages.length !== received) {
        [received, progressAt] = [this.inbox.messages.length, performance.now()];
      }
      if (performance.now() - progressAt > MAX_SILENCE_MS) {
        throw new Error(
          `Waited in vain for ${what}: nothing received after ${received}:\n${this.#service.output}`,
        );
      }
      return false;
    };
    await waitUntil(look, { what, deadlineMs: Infinity });
  }

  #reported(name: string): boolean {
    return this.#service?.reports.some((report) => report.name === name) ?? false;
  }

  async #isCompleted(id: string): Promise<boolean> {
    return this.database.dataSource.getRepository(Mailing).existsBy({ id, status: 'completed' });
  }

  /** Ends the process and counts the recipients that its recovery, if any, has left in doubt. */
  async #end(signal: PlannedKill['signal'] | null, mailingId: string): Promise<void> {
    const service = this.#service!;
    service.signal(signal ?? 'SIGTERM');
    await service.ended();
    this.parts.watch?.ended(service.pid);
    if (signal === 'SIGKILL') this.#kills++;
    for (const { name, facts } of service.reports) {
      if (name === 'run:recovered') this.#noteDoubt(Number(facts.numInDoubt));
    }
    // The rows are read as well, because a killed process may not have reported.
    const { dataSource } = this.database;
    const inDoubt = await dataSource.getRepository(EmailAddress).countBy({ mailingId, status: 'in_doubt' });
    this.#noteDoubt(inDoubt - this.#inDoubt);
    this.#inDoubt = inDoubt;
  }

  #noteDoubt(count: number): void {
    this.#maxInDoubtPerKill = Math.max(this.#maxInDoubtPerKill, count);
  }
}

/** Environment of the processes besides database and mail server. */
export function environmentOf({ bulkSmtp = false, journal = true }: RoundParts): Record<string, string> {
  const marked: Record<string, string> = journal
    ? { MAILING_MAX_IN_DOUBT: '100' }
    : { MAILING_JOURNAL_DIR: 'off' };
  return { MAILING_BULK_SMTP: String(bulkSmtp), ...marked };
}

/** Maximum in doubt of a mailing or batch after one kill: those in flight, or without a journal the marked recipients. */
export function boundOf({ journal = true }: Pick<RoundParts, 'journal'>): number {
  return journal ? MAX_IN_DOUBT / 2 : MAX_IN_DOUBT;
}

/** A mail server that mostly answers fast, and sometimes slowly. */
function latencies(seed: number): SmtpHook {
  // A generator of its own: the order of messages depends on the network, and would shift the plan of kills.
  const random = seededRandom(seed ^ 0x5bd1e995);
  return async ({ command }) => {
    if (command !== 'END') return;
    await delay(random() < 0.03 ? random() * 150 : random() * 15);
  };
}
