import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { ModuleContext } from '../model/host-calls/async-context.js';
import type { MailingEvents } from '../model/reports/mailing-event.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import { endsWithin } from '../model/values/deadline.js';
import type { AttachmentStore } from '../store/attachments/attachment.store.js';
import { findWeakSettings } from '../store/environment/durability.check.js';
import { checkEnvironment } from '../store/environment/environment.check.js';
import { findSortingColumns } from '../store/environment/json-columns.check.js';
import type { MailingDatabase } from '../store/database/mailing.database.js';
import { checkSchema } from '../store/environment/schema.check.js';
import { UnsafeConnections } from '../store/connections/unsafe-connections.js';
import type { BatchSweep } from './sweeps/batch.sweep.js';
import type { BatchWorker } from './execution/batch-worker.js';
import type { ActiveDispatcher } from './execution/active.dispatcher.js';
import type { ForgottenCommitsSweep } from './sweeps/forgotten-commits.sweep.js';
import type { JournalManager } from './servers/journal.manager.js';
import type { MailingIntake } from './intake/mailing-intake.js';
import type { MailingLauncher } from './execution/mailing-launcher.js';
import type { MailingReporter } from './mailing.reporter.js';
import type { RunRegistry } from './run/run.registry.js';
import type { ProfileRecorder } from './recipients/profile.recorder.js';
import { isContainerName } from './servers/container-name.js';
import type { ServerMembership } from './servers/server-membership.js';
import type { HeartbeatTimer } from './servers/heartbeat.timer.js';
import type { RestartSweep } from './sweeps/restart.sweep.js';

export interface MailingEngineParts {
  settings: Pick<MailingSettings, 'migrationList' | 'server' | 'uniqServerId'>;
  context: ModuleContext;
  dataSource: DataSource;
  database: MailingDatabase;
  attachments: AttachmentStore;
  intake: MailingIntake;
  launcher: MailingLauncher;
  runs: RunRegistry;
  heartbeats: HeartbeatTimer;
  restarts: RestartSweep;
  batchSweep: BatchSweep;
  forgotten: ForgottenCommitsSweep;
  batchWorker: BatchWorker;
  dispatcher: ActiveDispatcher;
  membership: ServerMembership;
  journal: JournalManager;
  recorder: ProfileRecorder;
  reporter: MailingReporter;
  events: MailingEvents;
  /** Looks up what the host provides. */
  prepare: () => Promise<void>;
}

/**
 * Starts and stops all parts.
 *
 * The stop is in `onModuleDestroy` and not later, because the mailer closes its transports in its own. The engine is in a module that is not global:
 * Nest destroys global modules in the order of their imports, possibly after the mailer. The data source closes last, so outcomes can still be
 * written while runs drain.
 */
export class MailingEngine implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  #ending: Promise<void> | null = null;
  #unsubscribe: (() => void)[] = [];

  constructor(private readonly parts: MailingEngineParts) {}

  async onModuleInit(): Promise<void> {
    const { prepare, dataSource, database, attachments, journal, events, settings } = this.parts;
    await prepare();
    journal.prepare();
    await attachments.prepare();
    // First, and by statements without values: under some settings no other statement can be trusted.
    for (const risky of await checkEnvironment(dataSource)) events.emit('database:risky-setting', risky);
    this.#unsubscribe = [
      UnsafeConnections.of(dataSource).onRefused((error) => {
        events.emit('database:unsafe-connection', { error });
      }),
      database.primary.answers.onRefused((error) => {
        events.emit('database:read-only', { error });
      }),
    ];
    await checkSchema(dataSource, database);
    // A failed query about a setting does not prevent the start.
    const weak = await findWeakSettings(database).catch(() => []);
    for (const setting of weak) events.emit('database:not-durable', setting);
    const sorting = await findSortingColumns(dataSource, database).catch(() => []);
    for (const column of sorting) events.emit('database:risky-setting', column);
    const { uniqServerId, migrationList } = settings;
    if (migrationList.length === 0 && isContainerName(uniqServerId))
      events.emit('server:ephemeral-id', { uniqServerId });
  }

  onApplicationBootstrap(): void {
    const { batchWorker, dispatcher, restarts, forgotten } = this.parts;
    forgotten.onReleased(({ batch }) => {
      if (batch) dispatcher.announce();
      else void restarts.sweep();
    });
    void dispatcher.start(batchWorker);
  }

  /** Repeated calls share one stop. */
  onModuleDestroy(): Promise<void> {
    this.#ending ??= this.parts.context.begin(() => this.#end());
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { intake, runs, settings, dispatcher, heartbeats, restarts, batchSweep, membership } = this.parts;
    const { launcher, recorder, reporter, events } = this.parts;
    const { shutdownTimeoutMs } = settings.server;
    const deadline = performance.now() + shutdownTimeoutMs;
    // Each of the last steps gets a second, also if the time is over: most need only a few statements.
    const left = (): number => Math.max(1_000, deadline - performance.now());
    // The heartbeat keeps the lease fresh until messages in flight have ended.
    await Promise.all([
      intake.stop(),
      runs.stopAll(shutdownTimeoutMs),
      endsWithin(dispatcher.stop(), shutdownTimeoutMs),
    ]);
    // A claim that was being committed meanwhile may have begun a run that the first call did not stop.
    await runs.stopAll(Math.max(0, deadline - performance.now()));
    // The database closes after this, so callers that wait for the result of a mailing get it now.
    await endsWithin(launcher.idle(), left());
    await endsWithin(reporter.close(), left());
    await recorder.close(left());
    // A task of the host that does not end in time is abandoned.
    await endsWithin(heartbeats.stop(), left());
    // A sweep may wait for a database that does not answer. What it has claimed is recovered like the work of a dead server.
    const sweeps = [restarts.idle(), batchSweep.idle(), this.parts.forgotten.stop()];
    await endsWithin(Promise.all(sweeps), left());
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    try {
      await endsWithin(membership.leave(), left());
    } catch (error) {
      const { uniqServerId } = settings;
      events.emit('server:error', { uniqServerId, step: 'deregistering', error });
    }
  }
}
