import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readCsvRecipients } from '../newsletter/csv-recipients.js';

const LIST = fileURLToPath(new URL('recipients.csv', import.meta.url));

/** Writes a CSV with exactly `count` recipients: those of the repository first, then variations of them. */
export async function writeRecipients(path: string, count: number): Promise<void> {
  await pipeline(Readable.from(lines(count)), createWriteStream(path));
}

async function* lines(count: number): AsyncGenerator<string> {
  yield 'email,name,city\n';
  let written = 0;
  for (let round = 0; written < count; round++) {
    for await (const { email, name, data } of readCsvRecipients(LIST)) {
      if (written++ === count) return;
      const address = round === 0 ? email : email.replace('@', `.${round}@`);
      yield `${address},${name},${String(data?.city)}\n`;
    }
  }
}
