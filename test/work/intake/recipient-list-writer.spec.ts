import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mailboxKey } from '../../../libs/mailing/src/model/addresses/email-address.js';
import type { FaultPoints } from '../../../libs/mailing/src/model/ports/fault-points.js';
import { SourceWatch } from '../../../libs/mailing/src/model/host-calls/source-watch.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { TemplateEmailPersister } from '../../../libs/mailing/src/store/intake/template-email.persister.js';
import {
  ListTakenAwayError,
  RecipientListWriter,
} from '../../../libs/mailing/src/work/intake/recipient-list.writer.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const TOKEN = 'list';

forEachDatabase('the writer of a list', (kind) => {
  let fresh: FreshDatabase;
  let persister: TemplateEmailPersister;
  let mailingId: string;
  /** The number of entries that were read, and of chunks that were committed. */
  let read: number;
  let chunks: number;

  beforeEach(async () => {
    fresh = await freshDatabase(kind);
    persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
    mailingId = (await persister.createMailing(INFO, 'here:1', TOKEN)) as string;
    [read, chunks] = [0, 0];
  });

  afterEach(() => fresh.dispose());

  const writer = (atChunk: () => void = () => undefined): RecipientListWriter => {
    const faultPoints: FaultPoints = {
      reach(point) {
        if (point !== 'afterChunkWritten') return;
        chunks++;
        atChunk();
      },
    };
    const terms = { hasProfiles: true, batchSize: null, keyOf: mailboxKey, transaction: null };
    return new RecipientListWriter(persister, mailingId, TOKEN, terms, faultPoints);
  };
  function* readers(count: number): Generator<string> {
    while (read < count) yield `reader${read++}@home.example`;
  }
  const write = (list: Iterable<string>, atChunk?: () => void) =>
    writer(atChunk).write(list, new SourceWatch(null));
  const rows = async (): Promise<number> => {
    const [{ count }] = await fresh.dataSource.query<{ count: unknown }[]>(
      'SELECT COUNT(*) AS count FROM dps_email_address',
    );
    return Number(count);
  };

  it('stops with its watch, also while the source keeps yielding', async () => {
    const watch = new SourceWatch(null);
    function* goingOn(): Generator<string> {
      yield 'ann@home.example';
      watch.end(new Error('the server stops'));
      yield* readers(3 * persister.rowsPerChunk);
    }
    await expect(writer().write(goingOn(), watch)).rejects.toThrow('the server stops');
    expect(read).toBeLessThanOrEqual(1);
    expect(await rows()).toBe(0);
  });

  it('reads at most one chunk ahead while the database writes the one before', async () => {
    const { rowsPerChunk } = persister;
    const ahead: number[] = [];
    const list = await write(readers(3 * rowsPerChunk + 1), () => ahead.push(read - chunks * rowsPerChunk));
    expect(list).toMatchObject({ numProfiles: 3 * rowsPerChunk + 1, numDuplicates: 0 });
    expect(await rows()).toBe(3 * rowsPerChunk + 1);
    expect(ahead).toHaveLength(4);
    expect(ahead[0]).toBeGreaterThan(0);
    for (const one of ahead) expect(one).toBeLessThanOrEqual(rowsPerChunk);
  });

  it('throws the error of the source once the chunk in progress is written, not before', async () => {
    function* broken(): Generator<string> {
      yield* readers(persister.rowsPerChunk + 1);
      throw new Error('the cursor was closed');
    }
    await expect(write(broken())).rejects.toThrow('the cursor was closed');
    expect(chunks).toBe(1);
    expect(await rows()).toBe(persister.rowsPerChunk);
    expect(await persister.failList(mailingId, TOKEN, 'list incomplete')).toBe(true);
  });

  it('stops reading once it has lost the list, however much of the next chunk is missing', async () => {
    let isClosed = false;
    async function* slow(): AsyncGenerator<string> {
      try {
        yield* readers(persister.rowsPerChunk - 1);
        await persister.failList(mailingId, TOKEN, 'canceled');
        for (const reader of readers(2 * persister.rowsPerChunk)) {
          yield reader;
          await delay(1);
        }
      } finally {
        isClosed = true;
      }
    }
    const writing = writer().write(slow(), new SourceWatch(null));
    await expect(writing).rejects.toThrow(ListTakenAwayError);
    expect(read).toBeLessThan(2 * persister.rowsPerChunk);
    expect(isClosed).toBe(true);
  });

  it('stores what only some entries of a chunk have: names, own data, reasons', async () => {
    const ann = { email: 'ann@home.example', name: 'Ann', data: { shoe: 38 } };
    const list = await writer().write(['bob@home.example', ann, 'nobody'], new SourceWatch(null));
    expect(list).toMatchObject({ numProfiles: 3, numInvalid: 1 });
    const stored = await fresh.dataSource.query<Record<string, unknown>[]>(
      'SELECT display_name, data, status, changed_at, error_code FROM dps_email_address ORDER BY idx',
    );
    expect(stored[0]).toMatchObject({ display_name: null, data: null, status: 'pending' });
    expect(stored[1]).toMatchObject({ display_name: 'Ann', status: 'pending', error_code: null });
    const { data } = stored[1];
    expect(typeof data === 'string' ? JSON.parse(data) : data).toEqual({ shoe: 38 });
    expect(stored[2]).toMatchObject({ status: 'skipped', data: null, error_code: 'invalid_address' });
    expect(stored[0].changed_at).not.toBeNull();
  });
});
