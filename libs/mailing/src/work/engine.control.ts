import type { OnModuleInit } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { MailingSettings } from '../model/options/mailing-options.js';
import { type TestActivity, type TestControl, testSeamOf } from '../model/ports/test-seam.js';
import type { MailingEvents } from '../model/reports/mailing-event.js';
import type { ActiveDispatcher } from './execution/active.dispatcher.js';
import type { MailingLauncher } from './execution/mailing-launcher.js';
import type { ResumeHold } from './execution/resume-hold.js';
import type { MailingIntake } from './intake/mailing-intake.js';
import type { MailingEngine } from './mailing.engine.js';
import type { RunRegistry } from './run/run.registry.js';
import type { HeartbeatTimer } from './servers/heartbeat.timer.js';
import type { RestartSweep } from './sweeps/restart.sweep.js';
import type { TransportProbe } from './sweeps/transport-probe.js';

export interface EngineControlParts {
  settings: Pick<MailingSettings, 'enabledAsTemplateMailServer' | 'uniqServerId'>;
  dataSource: DataSource;
  engine: MailingEngine;
  intake: MailingIntake;
  runs: RunRegistry;
  launcher: MailingLauncher;
  hold: ResumeHold;
  dispatcher: ActiveDispatcher;
  heartbeats: HeartbeatTimer;
  restarts: RestartSweep;
  probe: TransportProbe;
  events: MailingEvents;
}

/** Offers itself to the test that has set a seam for this data source. Does nothing else by itself. */
export class EngineControl implements OnModuleInit, TestControl {
  constructor(private readonly parts: EngineControlParts) {}

  onModuleInit(): void {
    testSeamOf(this.parts.dataSource)?.onStart(this);
  }

  passTime(ms: number): void {
    this.parts.probe.passTime(ms);
    this.parts.runs.passTime(ms);
  }

  async sweep(): Promise<void> {
    const { heartbeats, restarts, dispatcher, launcher } = this.parts;
    await heartbeats.heartbeatNow();
    await restarts.probe();
    dispatcher.announce();
    launcher.lookNow();
  }

  mayWorkOn({ mailingId, uniqServerId, isBatched }: Parameters<TestControl['mayWorkOn']>[0]): boolean {
    const { settings, hold } = this.parts;
    const isHere = isBatched ? settings.enabledAsTemplateMailServer : uniqServerId === settings.uniqServerId;
    return isHere && hold.mayBegin(mailingId);
  }

  activities(): TestActivity[] {
    const { intake, runs } = this.parts;
    const unanswered = Array.from({ length: intake.numUnanswered }, () => ({
      mailingId: null,
      waitsFor: 'its content and its list (sendEmailMessage has not resolved)',
      isResting: false,
    }));
    return [...unanswered, ...runs.activities()];
  }

  async abandon(): Promise<void> {
    this.parts.events.close();
    this.parts.runs.revokeAll();
    await this.parts.engine.onModuleDestroy();
  }
}
