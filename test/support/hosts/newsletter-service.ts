import type {
  MailingHealthReport,
  MailingResult,
  Recipient,
  RecipientRecord,
  ResumeReport,
} from 'nestjs-mailing';
import { builtProgram } from './built-program.js';
import { HostProcess } from '../../../src/demo/host.process.js';
import { REPORTED, type ReportedEvent } from '../../../src/report-to-parent.js';
import { readerList } from './reader-list.js';
import { waitUntil } from '../wait-until.js';

const MAIN = builtProgram('main');

export interface ServiceOptions {
  databaseUrl: string;
  smtpUrl: string;
  serverId?: string;
  env?: Record<string, string>;
  /** A program to run instead of the service itself. */
  main?: string;
}

/** Limit for an orderly shutdown: the plugin's own `shutdownTimeoutMs`, and time for the rest. */
const END_DEADLINE_MS = 15_000;

const MAX_IN_JSON = 1_000;

export interface Report {
  name: ReportedEvent;
  facts: Record<string, unknown>;
}

/** The built newsletter service of `src/`, in a process of its own that a test may kill. */
export class NewsletterService {
  /** Its reports so far, in order. */
  readonly reports: Report[] = [];

  private constructor(private readonly process: HostProcess) {
    for (const name of REPORTED) {
      process.on(name, (facts) => this.reports.push({ name, facts: { ...facts } }));
    }
  }

  /** Resolves when it listens. */
  static async start(options: ServiceOptions): Promise<NewsletterService> {
    const service = NewsletterService.launch(options);
    await service.listening();
    return service;
  }

  /** Starts it without waiting, for tests that end it before it listens. */
  static launch({
    databaseUrl,
    smtpUrl,
    serverId = 'test:1',
    env = {},
    main = MAIN,
  }: ServiceOptions): NewsletterService {
    const all = {
      PORT: '0',
      DATABASE_URL: databaseUrl,
      SMTP_URL: smtpUrl,
      MAILING_SERVER_ID: serverId,
      MAILING_HEARTBEAT_INTERVAL_MS: '200',
      MAILING_LEASE_MS: '3000',
      // Some tests send to a million.
      NEWSLETTER_MAX_UPLOAD_BYTES: '200000000',
      NEWSLETTER_MAX_UPLOAD_ROWS: '1000000',
      ...env,
    };
    return new NewsletterService(HostProcess.launch(all, main));
  }

  listening(): Promise<void> {
    return this.process.listening();
  }

  get isRunning(): boolean {
    return this.process.isRunning;
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** The last lines it wrote. */
  get output(): string {
    return this.process.output;
  }

  /** Sends a newsletter to so many made-up readers, or to these. @returns the id of the mailing. */
  async send(recipients: number | Recipient[]): Promise<string> {
    const newsletter = {
      subject: 'Hello {{name}}',
      from: 'The Shop <news@shop.example>',
      headline: 'News',
      text: 'There is some.',
    };
    const { status, answer } = await this.post(
      // The service takes no more JSON at once than Express does.
      typeof recipients === 'number' && recipients > MAX_IN_JSON
        ? csvForm(newsletter, readerList(recipients))
        : JSON.stringify({
            ...newsletter,
            recipients: typeof recipients === 'number' ? readerList(recipients) : recipients,
          }),
    );
    if (status !== 202) throw new Error(`${status}: ${JSON.stringify(answer)}`);
    return answer.id as string;
  }

  /** Sends an operator's command to a newsletter: `pause`, `retry?which=errors` and so on. */
  async order(
    mailingId: string,
    order: string,
  ): Promise<{ status: number; answer: Record<string, unknown> }> {
    const response = await fetch(`${this.process.url}/newsletters/${mailingId}/${order}`, { method: 'POST' });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  }

  /** Resumes what it found at a start with `MAILING_RESUME=manual`. */
  async resume(): Promise<{ status: number; answer: ResumeReport }> {
    const response = await fetch(`${this.process.url}/resume`, { method: 'POST' });
    return { status: response.status, answer: (await response.json()) as ResumeReport };
  }

  async recipients(mailingId: string, query = ''): Promise<RecipientRecord[]> {
    const response = await fetch(`${this.process.url}/newsletters/${mailingId}/recipients?${query}`);
    return (await response.json()) as RecipientRecord[];
  }

  async post(
    body: FormData | string,
    more: Record<string, string> = {},
  ): Promise<{ status: number; answer: Record<string, unknown> }> {
    const headers: Record<string, string> =
      typeof body === 'string' ? { 'content-type': 'application/json', ...more } : more;
    const response = await fetch(`${this.process.url}/newsletters`, { method: 'POST', headers, body });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  }

  async get(mailingId: string): Promise<MailingResult> {
    const response = await fetch(`${this.process.url}/newsletters/${mailingId}`);
    return (await response.json()) as MailingResult;
  }

  async health(): Promise<MailingHealthReport> {
    const response = await fetch(`${this.process.url}/health`);
    return (await response.json()) as MailingHealthReport;
  }

  /** Waits until the mailing is completed. */
  async completed(mailingId: string, deadlineMs = 25_000): Promise<MailingResult> {
    const look = async (): Promise<MailingResult | null> => {
      const mailing = await this.get(mailingId);
      return mailing.status === 'completed' ? mailing : null;
    };
    return waitUntil(look, { what: 'the mailing to complete', deadlineMs });
  }

  /** Waits for a report. */
  reported(name: Report['name'], deadlineMs = 15_000): Promise<Record<string, unknown>> {
    const find = (): Record<string, unknown> | undefined => this.#all(name)[0];
    return waitUntil(find, { what: `a report ${name}`, deadlineMs });
  }

  /** How often it reported this. */
  countOf(name: Report['name']): number {
    return this.#all(name).length;
  }

  /** Sends a signal without waiting. */
  signal(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }

  /**
   * Waits until the process has ended.
   *
   * @returns the signal that ended it; null if it ended by itself.
   * @throws Error if it does not within the deadline.
   */
  async ended(deadlineMs = END_DEADLINE_MS): Promise<NodeJS.Signals | null> {
    await waitUntil(() => !this.isRunning, { what: `process ${this.pid} to end`, deadlineMs });
    return this.process.exited;
  }

  kill(): Promise<void> {
    return this.process.end('SIGKILL');
  }

  /** Orderly shutdown; does nothing after a kill. */
  stop(): Promise<void> {
    return this.process.end('SIGTERM');
  }

  #all(name: Report['name']): Record<string, unknown>[] {
    return this.reports.filter((one) => one.name === name).map((one) => one.facts);
  }
}

function csvForm(fields: Record<string, string>, readers: { email: string; name: string }[]): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const lines = readers.map(({ email, name }) => `${email},${name}\n`);
  form.set('recipients', new Blob(['email,name\n', ...lines], { type: 'text/csv' }), 'recipients.csv');
  return form;
}
