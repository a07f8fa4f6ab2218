import { appendFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KilledLife, type Mishap } from './processes/killed-life.js';

const edited =
  (edit: (text: string) => string) =>
  async (path: string): Promise<void> =>
    writeFile(path, edit(await readFile(path, 'utf8')));

const MISHAPS: [string, Mishap][] = [
  ['nothing', { befalls: async () => undefined, isBelieved: true }],
  ['a last line that is torn', { befalls: (path) => appendFile(path, '1 1'), isBelieved: true }],
  ['its deletion', { befalls: (path) => rm(path), isBelieved: false }],
  ['its truncation', { befalls: (path) => truncate(path), isBelieved: false }],
  ['damage in the middle', { befalls: edited((text) => text.replace('\n1 ', '\n1_')), isBelieved: false }],
  // After a power failure the end of the journal may be lost.
  [
    'another boot',
    {
      befalls: edited((text) => text.replace(/"pidNamespace":"../, '"pidNamespace":"zz')),
      isBelieved: false,
    },
  ],
  [
    'another host',
    { befalls: edited((text) => text.replace(/"hostname":"/, '"hostname":"far-')), isBelieved: false },
  ],
  // It could wake up and begin a recipient that counts as not begun.
  [
    'a process that may still live',
    { befalls: edited((text) => text.replace(/"pid":\d+/, '"pid":1')), isBelieved: false },
  ],
  [
    'the journal of another incarnation under its name',
    { befalls: edited((text) => text.replace(/"incarnation":"../, '"incarnation":"zz')), isBelieved: false },
  ],
  [
    'another name',
    { befalls: (path) => rename(path, join(dirname(path), 'somebody.journal')), isBelieved: false },
  ],
];

describe('the journal of a dead process meets', () => {
  const life = KilledLife.forEachTest('sqlite', { journal: 'named' });

  it.each(MISHAPS)('%s: the promise holds', async (_what, mishap) => {
    // As many as possible are marked, one was answered, and one is in flight.
    expect(await life.dies([{ at: 'afterAnswer', on: 3 }], mishap)).toEqual([]);
    const numInDoubt = await life.numInDoubt();
    // One more is the recipient whose connection the mail server closes on purpose.
    expect(numInDoubt <= 3, `${numInDoubt} in doubt`).toBe(mishap.isBelieved);
  });
});
