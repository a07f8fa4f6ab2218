import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EmailAddress, Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAULT_POINT_NAMES, type FaultPoint } from '../../libs/mailing/src/model/fault-points.js';
import { assertBooksAddUp, readBooks } from '../support/books.js';
import { forEachDatabase } from '../support/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/fresh-database.js';
import { SmtpInbox } from '../support/smtp-inbox.js';

const LIFE = fileURLToPath(new URL('life.process.mjs', import.meta.url));
const SOURCES = fileURLToPath(new URL('../../libs/mailing/src', import.meta.url));
const RECIPIENTS = 16;
const MAX_IN_DOUBT = 4;
const LIFE_DEADLINE_MS = 25_000;

interface Death {
  at: FaultPoint;
  /** At its how manieth visit. Default: the first. */
  on?: number;
  server?: string;
}

/** Gaps that are only reached on the way back from an earlier death. */
const AFTER_A_DEATH: Partial<Record<FaultPoint, Death[]>> = {
  afterRecovered: [{ at: 'afterIntentCommitted' }, { at: 'afterRecovered' }],
  afterResolverAsked: [{ at: 'beforeHandOver' }, { at: 'afterResolverAsked' }],
  afterAdopted: [{ at: 'afterAnswer', server: 'old:1' }, { at: 'afterAdopted' }],
  afterServerBuried: [{ at: 'afterAnswer', server: 'old:1' }, { at: 'afterServerBuried' }],
};

const deathsOf = (point: FaultPoint): Death[] => AFTER_A_DEATH[point] ?? [{ at: point }];

/** Every transaction of a life, and gaps of the run again when it is well under way. */
const MORE: Death[] = [
  ...Array.from({ length: 9 }, (_, n): Death => ({ at: 'beforeCommit', on: n + 2 })),
  { at: 'afterIntentCommitted', on: 4 },
  { at: 'afterAnswer', on: 9 },
  { at: 'beforeOutcomesWritten', on: 3 },
  { at: 'afterOutcomesCommitted', on: 5 },
];

describe('the list of gaps', () => {
  it('is that of the code: each name is reached somewhere, and nothing else is', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('fault-points.ts'))
      .map((file) => readFileSync(join(SOURCES, file), 'utf8'));
    const called = files.flatMap((text) =>
      [...text.matchAll(/\.reach\(\s*'(\w+)'/g)].map(([, name]) => name),
    );
    const passedOn = FAULT_POINT_NAMES.filter((name) => files.some((text) => text.includes(`'${name}',`)));
    expect([...new Set([...called, ...passedOn])].sort()).toEqual([...FAULT_POINT_NAMES].sort());
  });
});

forEachDatabase('a process that dies', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let folder: string;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({ keepRaw: 0, answer: unevenAnswers() });
    folder = await mkdtemp(join(tmpdir(), 'mailing-life-'));
    await writeFile(join(folder, 'letter.hbs'), '<p>Hello</p>');
  });

  afterEach(async () => {
    await inbox.close();
    await database.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** Lives until the end, or until it dies; resolves with how it ended. */
  const live = async (death?: Death): Promise<string> => {
    const child = spawn(process.execPath, [LIFE], {
      env: {
        ...process.env,
        DATABASE_URL: database.url,
        SMTP_URL: inbox.url,
        TEMPLATE_DIR: folder,
        DONE_FILE: join(folder, 'done'),
        SERVER_ID: death?.server ?? 'test:1',
        RECIPIENTS: String(RECIPIENTS),
        MAX_IN_DOUBT: String(MAX_IN_DOUBT),
        MAILING_DIE_AT: death?.at ?? '',
        MAILING_DIE_ON: String(death?.on ?? 1),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (output += text.toString()));
    const timer = setTimeout(() => child.kill('SIGTERM'), LIFE_DEADLINE_MS);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearTimeout(timer);
    return signal ?? (code === 0 ? 'lived' : output);
  };

  const sends = async (deaths: Death[]): Promise<void> => {
    for (const death of deaths) expect([death.at, await live(death)]).toEqual([death.at, 'SIGKILL']);
    expect(await live()).toBe('lived');
    const mailings = await database.dataSource.getRepository(Mailing).findBy({});
    const copies = inbox.countsByRecipient();
    expect([...copies].filter(([, count]) => count > 1)).toEqual([]);
    for (const { id, idempotencyKey, status } of mailings) {
      if (status === 'failed') continue;
      const books = await readBooks(database.dataSource, id);
      if (idempotencyKey === 'reader') assertBooksAddUp(books);
      expect(books.recipients).toHaveLength(RECIPIENTS);
      const statusOf = new Map(
        (books.recipients as EmailAddress[]).map((one) => [one.emailAddress, one.status] as const),
      );
      for (const [address, recorded] of statusOf) {
        if (recorded === 'sent') expect([address, copies.get(address)]).toEqual([address, 1]);
        else if (recorded === 'pending') expect([address, copies.get(address)]).toEqual([address, undefined]);
      }
      // Whose doubt was settled is an error now; one more is the recipient whose connection is closed on purpose.
      const lost = books.recipients.filter(({ errorCode }) => errorCode === 'in_doubt').length;
      expect(lost).toBeLessThanOrEqual(deaths.length * MAX_IN_DOUBT);
      const { sent = 0, sending = 0 } = books.byStatus;
      expect(sending).toBe(0);
      if (status === 'completed') expect(sent).toBeGreaterThanOrEqual(RECIPIENTS - lost - 1);
    }
  };

  it('lives through the whole of it when nobody kills it', () => sends([]));

  it.each(FAULT_POINT_NAMES)('A19 dies at %s: nobody gets a second copy, nobody is lost', (point) =>
    sends(deathsOf(point)),
  );

  it.each(MORE)('A19 dies at visit $on of $at: nobody gets a second copy, nobody is lost', (death) =>
    sends([death]),
  );
});

/** One is refused at first, one for now, and one message is taken without an answer. */
function unevenAnswers(): SmtpInbox['answer'] {
  const refusals = new Map([
    ['reader3@home.example', { code: 550, text: '5.1.1 no such user' }],
    ['reader6@home.example', { code: 450, text: '4.2.0 greylisted' }],
  ]);
  return ({ command, to }) => {
    if (command === 'END') return to[0] === 'reader9@home.example' ? 'close' : undefined;
    const refusal = command === 'RCPT' ? refusals.get(to[0]) : undefined;
    refusals.delete(refusal ? to[0] : '');
    return refusal;
  };
}
