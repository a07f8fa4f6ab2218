import 'reflect-metadata';
import { answerParent, cpuMs } from './answer-parent.js';
import { readers } from './letter.js';
import type { MailingHostSettings } from './mailing-host.module.js';
import { LETTER, openMailingHost } from './mailing-host.js';

/** The mailing. */
export interface MailingRequest {
  recipients: number;
  /** Null: sent by this server alone. */
  batchSize: number | null;
  /** Delay of its start from now. */
  inMs: number;
}

/** Questions of the parent of a host. */
export interface MailingHostAnswers {
  /** Answers when the list is in the database. */
  send(request: MailingRequest): Promise<string>;
  /** When the application had started, in milliseconds of the epoch. */
  bootedAtMs(): number;
  /** Processor time of this process since its start. */
  cpuMs(): number;
}

const { sender, bootedAtMs } = await openMailingHost(JSON.parse(process.argv[2]) as MailingHostSettings);

answerParent<MailingHostAnswers>({
  send: async ({ recipients, batchSize, inMs }) => {
    const batches = batchSize === null ? { batched: false } : { batched: true, batchSize };
    const sendAt = inMs > 0 ? { sendAt: new Date(Date.now() + inMs) } : {};
    const handle = await sender.sendEmailMessage({ ...LETTER, ...batches }, readers(recipients), {
      persist: true,
      ...sendAt,
    });
    return String(handle.mailingId);
  },
  bootedAtMs: () => bootedAtMs,
  cpuMs,
});
