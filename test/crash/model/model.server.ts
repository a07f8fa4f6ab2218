import { tmpdir } from 'node:os';
import type { DataSource } from 'typeorm';
import type {
  MailingTemplate,
  TemplateRenderer,
} from '../../../libs/mailing/src/model/ports/template.renderer.js';
import { NamedSenders } from '../../../libs/mailing/src/delivery/transport/named.senders.js';
import type { BatchName } from '../../../libs/mailing/src/model/ports/dispatcher.js';
import { noFaultPoints } from '../../../libs/mailing/src/model/ports/fault-points.js';
import { MailingEvents } from '../../../libs/mailing/src/model/reports/mailing-event.js';
import type { MailingSettings } from '../../../libs/mailing/src/model/options/mailing-options.js';
import { toMailingSettings } from '../../../libs/mailing/src/model/options/mailing-settings.factory.js';
import { HealthReader } from '../../../libs/mailing/src/store/queries/health.reader.js';
import { MailingClaims } from '../../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase, type Session } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { MailingReader } from '../../../libs/mailing/src/store/queries/mailing.reader.js';
import { SlotPersister } from '../../../libs/mailing/src/store/intake/slot.persister.js';
import { CommandPersister } from '../../../libs/mailing/src/store/commands/command.persister.js';
import { TemplateEmailBatchServerPersister } from '../../../libs/mailing/src/store/servers/template-email-batch-server.persister.js';
import { TemplateEmailBatchPersister } from '../../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../../../libs/mailing/src/store/intake/template-email.persister.js';
import { BatchSweep } from '../../../libs/mailing/src/work/sweeps/batch.sweep.js';
import { BatchWorker } from '../../../libs/mailing/src/work/execution/batch-worker.js';
import { ClaimAcquirer } from '../../../libs/mailing/src/work/claims/claim.acquirer.js';
import { FencedRuns } from '../../../libs/mailing/src/work/claims/fenced.runs.js';
import { JournalRecovery } from '../../../libs/mailing/src/work/claims/journal.recovery.js';
import { ActiveDispatcher } from '../../../libs/mailing/src/work/execution/active.dispatcher.js';
import { InDoubtDecision } from '../../../libs/mailing/src/work/claims/in-doubt.decision.js';
import { HeldMailings } from '../../../libs/mailing/src/work/execution/held.mailings.js';
import { JournalFolder } from '../../../libs/mailing/src/store/journal/journal.folder.js';
import { JournalManager } from '../../../libs/mailing/src/work/servers/journal.manager.js';
import { MailingIntake } from '../../../libs/mailing/src/work/intake/mailing-intake.js';
import { MailingLauncher } from '../../../libs/mailing/src/work/execution/mailing-launcher.js';
import { MailingCommands } from '../../../libs/mailing/src/work/mailing.commands.js';
import { RunRegistry } from '../../../libs/mailing/src/work/run/run.registry.js';
import { ProfileRecorder } from '../../../libs/mailing/src/work/recipients/profile.recorder.js';
import { OpeningOutages } from '../../../libs/mailing/src/work/execution/opening-outages.js';
import { RateLimiter } from '../../../libs/mailing/src/work/pacing/rate-limiter.js';
import { ResumeHold } from '../../../libs/mailing/src/work/execution/resume-hold.js';
import { ServerMembership } from '../../../libs/mailing/src/work/servers/server-membership.js';
import { ContentOpener } from '../../../libs/mailing/src/work/execution/content.opener.js';
import { SliceRunner } from '../../../libs/mailing/src/work/execution/slice.runner.js';
import { ServerSweep } from '../../../libs/mailing/src/work/sweeps/server.sweep.js';
import { StoredSlots } from '../../../libs/mailing/src/work/intake/slot.sources.js';
import { HeartbeatTimer } from '../../../libs/mailing/src/work/servers/heartbeat.timer.js';
import { TemplateEmailPeriodicService } from '../../../libs/mailing/src/work/servers/template-email-periodic.service.js';
import { SourceWatches } from '../../../libs/mailing/src/work/intake/source-watches.js';
import { RestartSweep } from '../../../libs/mailing/src/work/sweeps/restart.sweep.js';
import { TransportProbe } from '../../../libs/mailing/src/work/sweeps/transport-probe.js';
import type { ModelTransport } from './model.transport.js';

export const MAX_IN_DOUBT = 4;
export const CONCURRENCY = 2;

/** The incarnations that live in this process; any other one is dead. */
const living = (): Set<string> =>
  (globalThis as Record<symbol, unknown>)[Symbol.for('nestjs-mailing:incarnations')] as Set<string>;

/** The promise of a call in a process that has died. */
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** The database of a process that may die at any moment: before a commit, after it, and in between. */
class MortalDatabase extends MailingDatabase {
  isDead = false;

  override async rows<T>(sql: string, parameters?: unknown[]): Promise<T[]> {
    return this.#alive(() => super.rows<T>(sql, parameters));
  }

  override async change(sql: string, parameters?: unknown[]): Promise<number> {
    return this.#alive(() => super.change(sql, parameters));
  }

  override async transaction<T>(steps: (session: Session) => Promise<T>): Promise<T> {
    return this.#alive(() =>
      super.transaction(async (session) => {
        const result = await steps(session);
        // Not committed, because the database rolls back the transaction of a dead client.
        if (this.isDead) throw new Error('died before the commit');
        return result;
      }),
    );
  }

  async #alive<T>(step: () => Promise<T>): Promise<T> {
    if (this.isDead) return never();
    try {
      const result = await step();
      return this.isDead ? await never<T>() : result;
    } catch (error) {
      if (this.isDead) return never();
      throw error;
    }
  }
}

/** Batches that a server of the model claims with each poll. */
const MAX_BATCHES = 2;

/** One server of the model: the parts of the plugin without Nest, heartbeat timers and a real mail server. */
export class ModelServer {
  isDead = false;
  /** Batches that it works on. */
  numBatches = 0;
  readonly hasJournal: boolean;
  readonly intake: MailingIntake;
  readonly commands: MailingCommands;
  readonly #database: MortalDatabase;
  readonly #membership: ServerMembership;
  readonly #runs: RunRegistry;
  readonly #fencedRuns = new FencedRuns();
  readonly #restarts: RestartSweep;
  readonly #worker: BatchWorker;
  readonly #batchSweep: BatchSweep;
  readonly #serverSweep: ServerSweep;
  readonly #journals: JournalRecovery;
  readonly #senders: NamedSenders;

  constructor(
    dataSource: DataSource,
    readonly id: string,
    private readonly transport: ModelTransport,
    journalDir: string | null,
  ) {
    const faultPoints = noFaultPoints;
    this.#senders = new NamedSenders(this.transport, null, null);
    const settings = settingsOf(id, journalDir);
    this.hasJournal = journalDir !== null;
    const events = new MailingEvents();
    const folder = new JournalFolder(settings, dataSource);
    const journal = new JournalManager(folder, events);
    journal.prepare();
    const database = (this.#database = new MortalDatabase(dataSource));
    const persister = new TemplateEmailPersister(database);
    const reader = new MailingReader(database);
    const servers = new TemplateEmailBatchServerPersister(database, settings.server.leaseMs);
    const membership = (this.#membership = new ServerMembership(servers, settings, events, journal));
    const runs = (this.#runs = new RunRegistry(settings.run.maxConcurrentMailings));
    const commands = new CommandPersister(database, faultPoints);
    const claims = new MailingClaims(database);
    const recorder = new ProfileRecorder(() => null, settings, events);
    const doubts = new InDoubtDecision(settings, commands, events, faultPoints, recorder, runs);
    const batches = new TemplateEmailBatchPersister(database);
    const heartbeats = new HeartbeatTimer(membership, runs, settings, events);
    const periodic = new TemplateEmailPeriodicService(heartbeats);
    const known = [folder, settings, membership, claims, batches, periodic] as const;
    const journals = (this.#journals = new JournalRecovery(...known));
    const taken = { settings, claims, batches, membership, doubts, journals, recorder, faultPoints };
    const taker = new ClaimAcquirer({ ...taken, fencedRuns: this.#fencedRuns });
    const runner = this.#runner(settings, membership, journal, events);
    const outages = new OpeningOutages(settings.run.transportOutageTimeoutMs, 60_000, events);
    const opener = new ContentOpener(this.#senders, RENDERER, outages, settings);
    const hold = new ResumeHold(settings);
    const served = { settings, servers, membership, hold };
    const common = { ...served, events, persister, reader, runs, opener, runner, faultPoints };
    const launcher = new MailingLauncher({ ...common, claims: taker });
    const worker = (this.#worker = new BatchWorker({ ...common, batches }));
    const dispatcher = new ActiveDispatcher(settings, events);
    const sweeping = { batches, mailings: claims, claims: taker, worker, dispatcher, periodic };
    const batchSweep = (this.#batchSweep = new BatchSweep({ ...common, ...sweeping }));
    const parts = { ...common, launcher, dispatcher };
    const sources = new SourceWatches(settings.run.sourceTimeoutMs);
    this.intake = new MailingIntake({
      ...parts,
      sources,
      slots: new SlotPersister(database),
      profiles: () => null,
    });
    this.commands = new MailingCommands({ ...parts, commands, claims, batchSweep, recorder });
    const probe = new TransportProbe(id, true, commands, this.#senders, runs.stopSignal, hold, events);
    this.#serverSweep = new ServerSweep(servers, membership, settings, periodic);
    const health = new HealthReader(database, settings.server.leaseMs);
    const held = new HeldMailings(settings, health, hold);
    const looking = { claims, periodic, probe, held, batchSweep };
    this.#restarts = new RestartSweep({ ...parts, ...looking });
  }

  /** A heartbeat, the sweeps that follow it, and free batches, as a dispatcher would assign them. */
  async tick(): Promise<void> {
    await this.#membership.heartbeat();
    await Promise.all([this.#serverSweep.sweep(), this.#restarts.sweep()]);
    await this.#batchSweep.sweep();
    await this.#journals.clear();
    for (const batch of await this.#worker.free(MAX_BATCHES)) void this.#workOn(batch);
  }

  async #workOn(batch: BatchName): Promise<void> {
    const claimed = await this.#worker.claim(batch);
    if (!claimed) return;
    this.numBatches++;
    await claimed.run();
    this.numBatches--;
  }

  /** True if a run of this server works on the mailing. */
  works(mailingId: string): boolean {
    return this.#runs.has(mailingId);
  }

  /** SIGKILL: nothing goes on, and no other server is notified. */
  die(): void {
    this.isDead = true;
    this.#database.isDead = true;
    const { incarnation } = this.#membership;
    if (incarnation) living().delete(incarnation);
    // No marked recipient is begun any more. Without this, objects in memory would go on although the process is gone.
    this.#runs.revokeAll();
  }

  /** Orderly shutdown. */
  async stop(): Promise<void> {
    await this.#runs.stopAll(1_000);
    await this.#membership.leave();
  }

  #runner(
    settings: MailingSettings,
    membership: ServerMembership,
    journal: JournalManager,
    events: MailingEvents,
  ): SliceRunner {
    return new SliceRunner({
      settings,
      database: this.#database,
      membership,
      journal,
      limiter: new RateLimiter(null),
      senders: new NamedSenders(this.#mortalTransport(), null, null),
      profiles: () => null,
      gates: () => [],
      recorder: new ProfileRecorder(() => null, settings, events),
      fencedRuns: this.#fencedRuns,
      slots: (mailingId) => new StoredSlots(new SlotPersister(this.#database), String(mailingId)),
      processing: () => null,
      events,
      faultPoints: noFaultPoints,
    });
  }

  /** Messages that a dead process had handed over may have arrived, but it hears no answer and begins nothing more. */
  #mortalTransport(): ModelTransport {
    const { transport } = this;
    return {
      send: async (message: Parameters<ModelTransport['send']>[0]) => {
        if (this.isDead) return never();
        const handOver = await transport.send(message);
        return this.isDead ? never() : handOver;
      },
      probe: () => transport.probe(),
    } as unknown as ModelTransport;
  }
}

const TEMPLATE: MailingTemplate = {
  content: {},
  render: () => ({ subject: 'Hello', text: 'There is news.' }),
};
const RENDERER: TemplateRenderer = { open: () => Promise.resolve(TEMPLATE) };

function settingsOf(id: string, journalDir: string | null): MailingSettings {
  return toMailingSettings({
    templates: { dir: tmpdir() },
    uniqServerId: id,
    migrationList: ['*'],
    run: { concurrency: CONCURRENCY, maxInDoubt: MAX_IN_DOUBT },
    journal: journalDir === null ? false : { dir: journalDir },
    retry: { maxAttempts: 3, initialDelayMs: 5 },
    errorGuard: { sampleSize: 0 },
    server: { heartbeatIntervalMs: 20, leaseMs: 3_600_000 },
  });
}
