import { fileURLToPath } from 'node:url';
import type { MailingResult, Recipient } from 'nestjs-mailing';
import { HostProcess } from '../../src/demo/host.process.js';
import { waitUntil } from './wait-until.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

export interface ServiceOptions {
  databaseUrl: string;
  smtpUrl: string;
  serverId?: string;
  env?: Record<string, string>;
}

type Reports = { name: string; facts: Record<string, unknown> }[];

/** The newsletter service of `src/`, built, in a process of its own that a test may kill. */
export class NewsletterService {
  private constructor(
    private readonly process: HostProcess,
    /** What it told so far, in order. */
    readonly reports: Reports,
  ) {}

  static async start({
    databaseUrl,
    smtpUrl,
    serverId = 'test:1',
    env = {},
  }: ServiceOptions): Promise<NewsletterService> {
    const reports: Reports = [];
    const all = {
      PORT: '0',
      DATABASE_URL: databaseUrl,
      SMTP_URL: smtpUrl,
      MAILING_SERVER_ID: serverId,
      MAILING_HEARTBEAT_MS: '200',
      MAILING_SERVER_TIMEOUT_MS: '3000',
      ...env,
    };
    const note = (host: HostProcess): void => {
      for (const name of [
        'run:started',
        'run:recovered',
        'run:ended',
        'mailing:adopted',
        'server:standing-by',
      ] as const) {
        host.on(name, (facts) => reports.push({ name, facts: { ...facts } }));
      }
    };
    return new NewsletterService(await HostProcess.start(all, note, MAIN), reports);
  }

  /** Sends a newsletter to so many made-up readers, or to these. @returns the id of the mailing. */
  async send(recipients: number | Recipient[]): Promise<string> {
    const list =
      typeof recipients === 'number'
        ? Array.from({ length: recipients }, (_, n) => ({
            email: `reader${n}@home.example`,
            name: `Reader ${n}`,
          }))
        : recipients;
    const response = await fetch(`${this.process.url}/newsletters`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        subject: 'Hello {{name}}',
        from: 'The Shop <news@shop.example>',
        headline: 'News',
        text: 'There is some.',
        recipients: list,
      }),
    });
    const answer = (await response.json()) as { id: string };
    if (response.status !== 202) throw new Error(`${response.status}: ${JSON.stringify(answer)}`);
    return answer.id;
  }

  async post(body: FormData | string): Promise<{ status: number; answer: Record<string, unknown> }> {
    const headers: Record<string, string> =
      typeof body === 'string' ? { 'content-type': 'application/json' } : {};
    const response = await fetch(`${this.process.url}/newsletters`, { method: 'POST', headers, body });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  }

  async get(mailingId: string): Promise<MailingResult> {
    const response = await fetch(`${this.process.url}/newsletters/${mailingId}`);
    return (await response.json()) as MailingResult;
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
  reported(name: string, deadlineMs = 15_000): Promise<Record<string, unknown>> {
    const find = (): Record<string, unknown> | undefined =>
      this.reports.find((one) => one.name === name)?.facts;
    return waitUntil(find, { what: `a report ${name}`, deadlineMs });
  }

  kill(): Promise<void> {
    return this.process.end('SIGKILL');
  }

  /** Orderly end; harmless after a kill. */
  stop(): Promise<void> {
    return this.process.end('SIGTERM');
  }
}
