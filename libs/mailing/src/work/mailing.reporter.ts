import type { MailingEvents } from '../model/reports/mailing-event.js';
import type { MailingResult } from '../model/reports/mailing-handle.js';
import type { MailingStatus } from '../model/states/mailing-status.js';
import { topReasons } from '../model/reports/top-reasons.js';
import type { MailingReader } from '../store/queries/mailing.reader.js';
import { PROGRESS_MS, ProgressMeter } from './execution/progress-meter.js';

const ENDS: readonly MailingStatus[] = ['completed', 'canceled', 'failed'];

/** A mailing that this process works on. */
interface Watched {
  name: string | null;
  /** Runs of this process: one, or one for each batch. */
  numRuns: number;
  meter: ProgressMeter;
}

/**
 * Reports the progress and the results of mailings, for logs and dashboards.
 *
 * Cost: one short read per mailing in progress every 10 s, and, for a mailing that ends with errors or skipped recipients, one count of its rows.
 */
export class MailingReporter {
  readonly #watched = new Map<string, Watched>();
  readonly #summaries = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly reader: Pick<MailingReader, 'result' | 'reasons'>,
    private readonly events: MailingEvents,
  ) {
    for (const begin of ['run:started', 'run:recovered'] as const) {
      events.on(begin, ({ mailingId, name, numSettled }) => this.#beginRun(mailingId, name, numSettled));
    }
    events.on('batch:started', ({ mailingId, name }) => this.#beginBatch(mailingId, name));
    events.on('batch:ended', ({ mailingId }) => this.#endBatch(mailingId));
    events.on('run:ended', ({ mailingId, status }) => this.#endMailing(mailingId, status));
    events.on('mailing:ended', ({ mailingId, status }) => this.#endMailing(mailingId, status));
  }

  /** Resolves when all mailings that ended are reported; nothing is reported after that. */
  async close(): Promise<void> {
    this.#watched.clear();
    this.#stopTimer();
    await Promise.all(this.#summaries);
  }

  #beginRun(mailingId: string | null, name: string | null, numSettled: number): void {
    // A mailing that is not persisted has no rows to read.
    if (mailingId === null) return;
    // A mailing that is resumed at the moment of its pause may begin again before its end is reported.
    const known = this.#watched.get(mailingId);
    if (!known) this.#watch(mailingId, { name, numRuns: 1, meter: new ProgressMeter(numSettled) });
  }

  #beginBatch(mailingId: string, name: string | null): void {
    const known = this.#watched.get(mailingId);
    if (known) {
      known.numRuns++;
      return;
    }
    this.events.emit('mailing:joined', { mailingId, name });
    this.#watch(mailingId, { name, numRuns: 1, meter: new ProgressMeter(null) });
  }

  /** Keeps the mailing until the next report: its next batch usually begins at once. */
  #endBatch(mailingId: string): void {
    const known = this.#watched.get(mailingId);
    if (known) known.numRuns--;
  }

  #endMailing(mailingId: string | null, status: MailingStatus): void {
    if (mailingId === null) return;
    const name = this.#watched.get(mailingId)?.name ?? null;
    this.#watched.delete(mailingId);
    if (this.#watched.size === 0) this.#stopTimer();
    if (!ENDS.includes(status)) return;
    const summary = this.#summarize(mailingId, name, status).finally(() => this.#summaries.delete(summary));
    this.#summaries.add(summary);
  }

  #watch(mailingId: string, watched: Watched): void {
    this.#watched.set(mailingId, watched);
    this.#timer ??= setInterval(() => void this.#report(), PROGRESS_MS).unref();
  }

  #stopTimer(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** One mailing after the other, over one connection. A failed read is repeated with the next report. */
  async #report(): Promise<void> {
    for (const [mailingId, watched] of this.#watched) {
      const result = await this.reader.result(mailingId).catch(() => null);
      if (this.#watched.get(mailingId) !== watched) continue;
      if (result) this.#tell(mailingId, result, watched);
      if (watched.numRuns <= 0) this.#watched.delete(mailingId);
    }
    if (this.#watched.size === 0) this.#stopTimer();
  }

  #tell(mailingId: string, result: MailingResult, { name, meter }: Watched): void {
    const { numSent, numErrors, numSkipped, numProfiles } = result;
    const counts = { numSent, numErrors, numSkipped, numProfiles };
    const progress = meter.look(counts);
    if (progress) this.events.emit('mailing:progress', { mailingId, name, ...counts, ...progress });
  }

  async #summarize(mailingId: string, name: string | null, status: MailingStatus): Promise<void> {
    try {
      const result = await this.reader.result(mailingId);
      if (!result) return;
      const { numSent, numErrors, numSkipped, numProfiles } = result;
      const reasons = topReasons(numErrors + numSkipped > 0 ? await this.reader.reasons(mailingId) : []);
      const counts = { numSent, numErrors, numSkipped, numProfiles };
      this.events.emit('mailing:summary', { mailingId, name, status, ...counts, reasons });
    } catch {
      // The database may close right after the end; the counts are in it.
    }
  }
}
