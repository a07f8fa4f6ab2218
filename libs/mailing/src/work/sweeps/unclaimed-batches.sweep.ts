import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { HealthReader } from '../../store/queries/health.reader.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';
import type { Sweep } from './sweep.js';

/** Reports batched mailings that no server takes, once each time a mailing starts to wait. */
export class UnclaimedBatchesSweep implements Sweep {
  #told = new Set<string>();

  constructor(
    private readonly reader: HealthReader,
    private readonly periodic: TemplateEmailPeriodicService,
    private readonly events: MailingEvents,
  ) {}

  onApplicationBootstrap(): void {
    this.periodic.addTask(() => this.sweep());
  }

  async sweep(): Promise<void> {
    const waiting = (await this.reader.unclaimed()).map(({ mailingId }) => mailingId);
    const news = waiting.filter((mailingId) => !this.#told.has(mailingId));
    this.#told = new Set(waiting);
    for (const mailingId of news) this.events.emit('mailing:unclaimed', { mailingId });
  }
}
