import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { MailingEvents } from '../model/mailing-event.js';
import type { MailingSettings } from '../model/mailing-options.js';
import { findWeakSettings } from '../store/durability.check.js';
import type { MailingDatabase } from '../store/mailing.database.js';
import { checkSchema } from '../store/schema.check.js';
import type { MailingIntake } from './mailing-intake.js';
import type { MailingRuns } from './mailing-runs.js';
import type { ServerMembership } from './server-membership.js';
import type { TemplateEmailPeriodicService } from './template-email-periodic.service.js';
import type { TemplateEmailRestarter } from './template-email.restarter.js';

/**
 * Start and end of everything that works.
 *
 * The end is in `onModuleDestroy` and not later, because the mailer closes its transports in its own, and the engine lives
 * in a module that is not global, because global modules are ended in the order in which they were imported, possibly after
 * the mailer. The data source closes last, so what is drained can be written down.
 */
export class MailingEngine implements OnModuleInit, OnModuleDestroy {
  #ending: Promise<void> | null = null;

  constructor(
    private readonly settings: MailingSettings,
    private readonly dataSource: DataSource,
    private readonly database: MailingDatabase,
    private readonly intake: MailingIntake,
    private readonly runs: MailingRuns,
    private readonly periodic: TemplateEmailPeriodicService,
    private readonly restarter: TemplateEmailRestarter,
    private readonly membership: ServerMembership,
    private readonly events: MailingEvents,
    private readonly prepare: () => Promise<void>,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.prepare();
    await checkSchema(this.dataSource, this.database);
    // A question about a setting is no reason not to start.
    const weak = await findWeakSettings(this.database).catch(() => []);
    for (const setting of weak) this.events.emit('database:not-durable', setting);
  }

  /** However often it is called, everything is ended once. */
  onModuleDestroy(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    // The lease is kept fresh while messages in flight come to their end.
    await Promise.all([this.intake.stop(), this.runs.stopAll(this.settings.server.shutdownTimeoutMs)]);
    await this.periodic.stop();
    await this.restarter.idle();
    try {
      await this.membership.leave();
    } catch (error) {
      const { uniqServerId } = this.settings;
      this.events.emit('server:trouble', { uniqServerId, step: 'deregistering', error });
    }
  }
}
