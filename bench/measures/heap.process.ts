import 'reflect-metadata';
import { MailingEvents } from 'nestjs-mailing';
import { answerParent } from '../answer-parent.js';
import { type Reader, readers } from '../letter.js';
import type { MailingHostSettings } from '../mailing-host.module.js';
import { LETTER, openMailingHost } from '../mailing-host.js';

/** Questions of the parent of this process. */
export interface HeapAnswers {
  /** The maximum of the live heap at the samples while a list was written and sent. */
  mostLiveBytes(facts: { recipients: number }): Promise<number>;
}

/** Number of samples while the list is written, and while it is sent; the same for each length. */
const LOOKS = 20;
/** The first mailing pays one-time costs: compiled code, connections, prepared statements. */
const WARM_UP = 1_000;

const { app, sender } = await openMailingHost(JSON.parse(process.argv[2]) as MailingHostSettings);
const events = app.get(MailingEvents, { strict: false });
let most = 0;

answerParent<HeapAnswers>({
  mostLiveBytes: async ({ recipients }) => {
    await send(readers(WARM_UP));
    most = 0;
    let settled = 0;
    events.on('recipient:settled', () => lookAt(++settled, recipients));
    await send(watched(recipients));
    return most;
  },
});

async function send(list: Iterable<Reader>): Promise<void> {
  const { completed } = await sender.sendEmailMessage(LETTER, list, { persist: true });
  const { status } = await completed;
  if (status !== 'completed') throw new Error(`The mailing is ${status}.`);
}

function* watched(recipients: number): Iterable<Reader> {
  let read = 0;
  for (const reader of readers(recipients)) {
    lookAt(++read, recipients);
    yield reader;
  }
}

/** Only what survives a collection counts. */
function lookAt(place: number, recipients: number): void {
  if (place % Math.ceil(recipients / LOOKS) !== 0) return;
  globalThis.gc?.();
  most = Math.max(most, process.memoryUsage().heapUsed);
}
