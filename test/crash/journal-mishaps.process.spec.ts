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
  ['somebody who deletes it', { befalls: (path) => rm(path), isBelieved: false }],
  ['somebody who empties it', { befalls: (path) => truncate(path), isBelieved: false }],
  ['damage in the middle', { befalls: edited((text) => text.replace('\n1 ', '\n1_')), isBelieved: false }],
  // What a machine has forgotten that lost its power is not known.
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
  // It could wake up and begin somebody whom we take for not begun.
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

describe('a journal whose process has died meets', () => {
  const life = KilledLife.forEachTest('sqlite', { hasJournal: true });

  it.each(MISHAPS)('%s: the promise holds', async (_what, mishap) => {
    // All who can be are marked, one was answered, and one is under way.
    expect(await life.dies([{ at: 'afterAnswer', on: 3 }], mishap)).toEqual([]);
    const numInDoubt = await life.numInDoubt();
    // One more is the recipient whose connection is closed on purpose.
    expect(numInDoubt <= 3, `${numInDoubt} in doubt`).toBe(mishap.isBelieved);
  });
});
