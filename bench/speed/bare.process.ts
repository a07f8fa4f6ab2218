import { answerParent, cpuMs } from '../answer-parent.js';
import { BareMailer } from './bare-mailer.js';
import type { ContenderAnswers, ContenderSettings } from './contender.js';
import { type Reader, readers } from '../letter.js';

const { smtpUrl, smtpConnections } = JSON.parse(process.argv[2]) as ContenderSettings;
const mailer = await BareMailer.create(smtpUrl, smtpConnections);
let list: Iterator<Reader>;

/** Reads one recipient after the other, so that a list of any length needs no memory. */
async function lane(): Promise<void> {
  for (let next = list.next(); !next.done; next = list.next()) await mailer.send(next.value);
}

answerParent<ContenderAnswers>({
  prepare: ({ recipients }) => {
    list = readers(recipients)[Symbol.iterator]();
    return Promise.resolve();
  },
  send: async () => {
    const start = performance.now();
    // Twice the connections, so that a message is always ready when one becomes free.
    await Promise.all(Array.from({ length: 2 * smtpConnections }, lane));
    return (performance.now() - start) / 1_000;
  },
  cpuMs,
});
