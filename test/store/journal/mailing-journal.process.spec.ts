import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Commit } from '../../../libs/mailing/src/model/ports/ledger.js';
import type { ClaimJournal } from '../../../libs/mailing/src/store/journal/claim.journal.js';
import { DeadJournal } from '../../../libs/mailing/src/store/journal/dead.journal.js';
import {
  headerLine,
  type JournalContent,
  type JournalGap,
  readLines,
} from '../../../libs/mailing/src/store/journal/journal.lines.js';
import { journalPath, MailingJournal } from '../../../libs/mailing/src/store/journal/mailing.journal.js';

const run = promisify(execFile);
const FULL_DISK = fileURLToPath(new URL('full-disk.process.mjs', import.meta.url));
const TOKEN = 'run#1';
/** Characters that some readers take for line ends. */
const LATER = 'later\n\u2028\u2029\r';
const OWNER = { uniqServerId: 'test:1', hostname: 'vm', pid: 4711, pidNamespace: 'boot/pid' };
const sent = (idx: number): Commit['outcomes'][number] => ({ idx, status: 'sent', code: null, text: null });
const commitOf = (commit: Partial<Commit>): Commit => ({
  outcomes: [],
  deferred: [],
  returned: [],
  capacity: 0,
  inFlight: 0,
  release: null,
  ...commit,
});

describe('the journal of a process', () => {
  let dir: string;
  let journal: MailingJournal;
  let claim: ClaimJournal;
  let path: string;
  const fail = (error: unknown): never => {
    throw error;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'mailing-journal-'));
    const owner = { ...OWNER, incarnation: randomUUID() };
    path = journalPath(dir, owner.incarnation);
    journal = new MailingJournal(dir, owner, fail);
    claim = journal.claim(TOKEN, 7);
  });

  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const content = (): JournalContent | null => readLines(readFileSync(path, 'utf8'));
  const knownOutcomes = (commit: number) =>
    new DeadJournal(content()?.claims.get(TOKEN) ?? new Map()).after(commit);
  const answersWritten = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

  it('has a begun message at once, and an answer by the end of the turn', async () => {
    claim.begin(3)();
    claim.begin(4)();
    expect(knownOutcomes(7).begun).toEqual(new Set([3, 4]));
    claim.settle(sent(3));
    claim.defer({ idx: 4, code: '450', text: LATER, delayMs: 20 });
    await answersWritten();
    const { outcomes, deferred, begun } = knownOutcomes(7);
    expect([...outcomes.values()]).toEqual([sent(3)]);
    expect([...deferred.values()]).toEqual([{ idx: 4, code: '450', text: LATER, delayMs: 20 }]);
    expect(begun.size).toBe(0);
  });

  it('has all messages announced in a turn as soon as one of them is handed over', () => {
    claim.begin(3);
    const confirm = claim.begin(4);
    expect(content()?.claims.size).toBe(0);
    confirm();
    expect(knownOutcomes(7).begun).toEqual(new Set([3, 4]));
  });

  it('returns only answers after the last stored commit, and recipients marked again since', async () => {
    claim.begin(3)();
    claim.settle({ idx: 3, status: 'error', code: '550', text: 'no' });
    claim.nextCommit();
    claim.begin(5)();
    claim.settle(sent(5));
    await answersWritten();
    // The first commit is stored: recipient 3 may be marked again, and has not begun then.
    expect([...knownOutcomes(8).outcomes.keys()]).toEqual([5]);
    expect([...knownOutcomes(7).outcomes.keys()]).toEqual([3, 5]);
    claim.committed(commitOf({ outcomes: [sent(3)] }));
    claim.begin(3)();
    expect(knownOutcomes(8).begun).toEqual(new Set([3]));
  });

  it('has no recipient that was not begun or was handed back', async () => {
    claim.settle({ idx: 1, status: 'skipped', code: 'opted_out', text: null });
    claim.handBack([2]);
    claim.begin(6)();
    claim.handBack([6]);
    await answersWritten();
    expect(knownOutcomes(7)).toEqual({ outcomes: new Map(), deferred: new Map(), begun: new Set() });
  });

  it('ignores a torn last line', () => {
    claim.begin(3)();
    const whole = readFileSync(path, 'utf8');
    for (const torn of ['1', '1 4', '1 3 8 se', '1 3 8 settled {"status":', 'claim 2 "x']) {
      expect(readLines(whole + torn)?.claims.get(TOKEN)).toEqual(new Map([[3, { kind: 'begun' }]]));
    }
  });

  it.each([
    ['an empty file', () => ''],
    ['another file', () => 'nothing of ours\n1 3\n'],
    ['a header that is cut', (text: string) => text.slice(10)],
    ['zeros in the middle', (text: string) => text.replace('1 3\n', '\u0000\u0000\u0000\n')],
    ['a half line in the middle', (text: string) => text.replace('1 3\n', '1 31 4\n1 5\n')],
    ['half an outcome in the middle', (text: string) => `${text}1 3 8 settled {"status":\n1 4\n`],
    ['a claim that was never declared', (text: string) => `${text}2 3\n`],
  ])('is not trusted if it is %s', (_what, damage) => {
    claim.begin(3)();
    expect(readLines(damage(readFileSync(path, 'utf8')))).toBeNull();
  });

  it('detects a rewound database, and counts recipients that it leaves out itself as begun', async () => {
    claim.begin(3)();
    claim.settle(sent(3));
    claim.nextCommit();
    claim.nextCommit();
    claim.begin(9)();
    claim.settle(sent(9));
    await answersWritten();
    const dead = (gap: JournalGap | null = null) => new DeadJournal(content()!.claims.get(TOKEN)!, gap);
    const { knownOutcomes, endIdx, forgotten } = dead().since(7, 5);
    expect([knownOutcomes.outcomeOf(9), endIdx, forgotten]).toEqual([sent(9), 10, [3, 9]]);
    expect([knownOutcomes.isBegun(6), knownOutcomes.isBegun(9)]).toEqual([false, false]);
    // The database has all that it knows.
    expect(dead().since(10, 20)).toMatchObject({ endIdx: 0, forgotten: [] });
    const leftOut = dead({ toCommit: 8, toIdx: 6 }).since(7, 5);
    expect([2, 3, 6, 7].map((idx) => leftOut.knownOutcomes.isBegun(idx))).toEqual([true, false, true, false]);
    expect(dead({ toCommit: 8, toIdx: 6 }).since(8, 20).knownOutcomes.isBegun(2)).toBe(false);
  });

  it(
    'is replaced when it is full, by everything that is not in the database yet',
    { timeout: 60_000 },
    async () => {
      const other = journal.claim('other#2', 0);
      other.begin(1)();
      const text = 'x'.repeat(900);
      let idx = 10;
      for (; idx < 2_000 && statSync(path).size < 1_040_000; idx++) {
        claim.begin(idx)();
        claim.settle({ idx, status: 'error', code: '550', text });
        claim.nextCommit();
        await answersWritten();
        if (idx > 10) claim.committed(commitOf({ outcomes: [sent(idx)] }));
      }
      for (let more = 0; more < 2_000 && statSync(path).size > 500_000; more++) claim.begin(idx++)();

      expect(statSync(path).size).toBeLessThan(30_000);
      expect(readdirSync(dir)).toHaveLength(1);
      const told = knownOutcomes(7);
      expect([...told.outcomes.keys()]).toEqual([10]);
      expect(content()?.gaps.get(TOKEN)?.toIdx).toBeGreaterThan(10);
      expect(told.begun.has(idx - 1)).toBe(true);
      expect(content()?.claims.get('other#2')).toEqual(new Map([[1, { kind: 'begun' }]]));
      // It continues in the new file.
      claim.begin(idx)();
      expect(knownOutcomes(7).begun.has(idx)).toBe(true);
    },
  );

  it('is removed when every claim was released, and stays otherwise', async () => {
    // One recipient was begun, and others may be marked; that they were not begun is only known by the journal.
    claim.begin(3)();
    claim.settle(sent(3));
    claim.committed(commitOf({ outcomes: [sent(3)] }));
    journal.end(TOKEN, false);
    journal.close();
    expect(content()?.claims.has(TOKEN)).toBe(true);
    const second = new MailingJournal(dir, { ...OWNER, incarnation: 'second' }, fail);
    const written = second.claim('second#1', 0);
    written.begin(3)();
    written.settle(sent(3));
    written.committed(commitOf({ outcomes: [sent(3)] }));
    second.end('second#1', true);
    second.close();
    expect(readdirSync(dir)).toEqual([path.slice(dir.length + 1)]);
  });

  it('begins nothing once it is closed or the claim is over, because another process may have read it', () => {
    const over = journal.claim('over#1', 0);
    journal.end('over#1', false);
    expect(() => over.begin(1)).toThrow(/another process/i);
    journal.close();
    expect(() => claim.begin(1)).toThrow();
  });

  it('never appends to the file of another process', () => {
    claim.begin(3)();
    const again = new MailingJournal(dir, content()!.owner, fail);
    again.claim('again#1', 0).begin(9)();
    expect(readFileSync(path, 'utf8').startsWith(headerLine(content()!.owner))).toBe(true);
    expect([...content()!.claims.keys()]).toEqual(['again#1']);
  });
});

describe('a journal that can not be written', () => {
  /** In a process with a limit on file size, which gets the same errors as on a full disk. */
  const onFullDisk = async (how: string): Promise<Record<string, unknown>> => {
    const dir = mkdtempSync(join(tmpdir(), 'mailing-journal-'));
    try {
      const command = `ulimit -f 1; exec "${process.execPath}" "${FULL_DISK}" "${dir}" ${how}`;
      const { stdout } = await run('bash', ['-c', command]);
      return JSON.parse(stdout) as Record<string, unknown>;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  };

  it('is removed with an event, and messages go on', async () => {
    const { numBegun, losses, left, refused } = await onFullDisk('');
    expect(numBegun).toBe(500);
    expect(losses).toHaveLength(1);
    expect([left, refused]).toEqual([[], []]);
  });

  it('is emptied if it can not be removed', async () => {
    const { numBegun, losses, size } = await onFullDisk('moved');
    expect({ numBegun, size }).toEqual({ numBegun: 500, size: 0 });
    expect(losses).toHaveLength(1);
  });

  it('begins no message if neither is possible', async () => {
    const { numBegun, refused, losses } = await onFullDisk('stuck');
    expect(numBegun).toBeLessThan(200);
    expect(Number(numBegun) + (refused as string[]).length).toBe(500);
    expect(losses).toHaveLength(1);
  });
});
