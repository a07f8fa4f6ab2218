import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MailAttachment, Mailing, type MailingModuleOptions } from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertAllSentInBatches, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

const LEAFLET = randomBytes(100_000);
const HASH = createHash('sha256').update(LEAFLET).digest('hex');
const ATTACHED = { ...INFO, attachments: [{ filename: 'leaflet.pdf', content: LEAFLET }] };
const LONG_AGO = new Date('2020-01-01T00:00:00Z');

let folder: string;
let leaflet: string;
let inFolder: Partial<MailingModuleOptions>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailing-kept-'));
  leaflet = join(folder, HASH.slice(0, 2), HASH);
  inFolder = { attachments: { store: { dir: folder } } };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const files = async (): Promise<string[]> => {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
};

/** Accepts a mailing that is scheduled an hour ahead. */
const sendLater = async (app: MailingApp, count: number): Promise<string> => {
  const { mailingId } = await app.sender.sendEmailMessage(ATTACHED, people(count), {
    persist: true,
    sendAt: new Date(Date.now() + 3_600_000),
  });
  return mailingId as string;
};

const assertWhole = async (rig: MailingRig): Promise<void> => {
  for (const message of rig.inbox.messages) {
    const { attachments } = await message.parsed();
    expect(attachments.map(({ content }) => content.equals(LEAFLET))).toEqual([true]);
  }
};

forEachDatabase('attachments in a folder', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['is gone', () => rm(leaflet), /ENOENT/],
    ['is shorter', () => writeFile(leaflet, LEAFLET.subarray(1)), /got 99999 bytes/],
    ['has other bytes', () => writeFile(leaflet, randomBytes(LEAFLET.length)), /got other bytes/],
  ])('C11 pause a mailing whose file %s, which continues once it is restored', async (_, spoil, got) => {
    const first = await rig.boot(inFolder);
    const { mailingId } = await first.sender.sendEmailMessage(ATTACHED, people(100), { persist: true });
    const id = mailingId as string;
    await rig.inbox.waitFor(10);
    await first.close();
    await spoil();
    const second = await rig.boot(inFolder);
    const { statusReason, numSent } = await rig.reached(id, 'paused');
    expect(numSent).toBe(rig.inbox.messages.length);
    expect(statusReason).toMatch(/^attachments: expected "leaflet.pdf" with the 100000 bytes/);
    expect(statusReason).toMatch(got);
    expect(statusReason).toContain(leaflet);
    // Without the file, it is paused again.
    await second.sender.resume(id);
    await rig.reached(id, 'paused');
    await writeFile(leaflet, LEAFLET);
    await second.sender.resume(id);
    await rig.reached(id, 'completed');
    await rig.assertAllSent(id, 100);
    await assertWhole(rig);
  });

  it('C11 pause a whole mailing in batches whose file is gone', async () => {
    const web = await rig.boot({ ...inFolder, uniqServerId: 'web:1' });
    const mailingId = await sendBatched(web, 60, ATTACHED);
    await rm(leaflet);
    await rig.boot({ ...TAKES_BATCHES, ...inFolder });
    expect((await rig.reached(mailingId, 'paused')).statusReason).toMatch(/^attachments: .*leaflet\.pdf/);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: 60 });
    await writeFile(leaflet, LEAFLET);
    await web.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 60);
    await assertWhole(rig);
  });

  it('pause a mailing in the same way when they are deleted from the table', async () => {
    const first = await rig.boot();
    const id = await sendLater(first, 3);
    await first.close();
    await rig.database.dataSource.getRepository(MailAttachment).delete({ hash: HASH, part: 1 });
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    await rig.boot();
    expect((await rig.reached(id, 'paused')).statusReason).toMatch(
      /^attachments: expected "leaflet.pdf" .*dps_mail_attachment .*got 52000 bytes/,
    );
  });
});

describe('attachments in a folder', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('have one file each, named by its hash, with the time when it was last attached', async () => {
    const app = await rig.boot(inFolder);
    await app.sender.sendEmailMessage(ATTACHED, people(1), false, true);
    expect(await files()).toEqual([leaflet]);
    expect((await readFile(leaflet)).equals(LEAFLET)).toBe(true);
    await utimes(leaflet, LONG_AGO, LONG_AGO);
    const { ino } = await stat(leaflet);
    await app.sender.sendEmailMessage(ATTACHED, people(1), false, true);
    expect(await files()).toEqual([leaflet]);
    const after = await stat(leaflet);
    expect(after.ino).toBe(ino);
    expect(after.mtimeMs).toBeGreaterThan(LONG_AGO.getTime());
    expect(await rig.database.dataSource.getRepository(MailAttachment).count()).toBe(0);
  });

  it('have no file for mailings that are not persisted', async () => {
    const app = await rig.boot(inFolder);
    await app.sender.sendEmailMessage(ATTACHED, people(2), false);
    await assertWhole(rig);
    expect(await files()).toEqual([]);
  });

  it('are written again over a damaged file by the next mailing that attaches them', async () => {
    const app = await rig.boot(inFolder);
    await mkdir(join(folder, HASH.slice(0, 2)));
    // Truncated by a writer without temporary names, and zeroed by a disk.
    for (const damaged of [LEAFLET.subarray(0, 500), Buffer.alloc(LEAFLET.length)]) {
      await writeFile(leaflet, damaged);
      await app.sender.sendEmailMessage(ATTACHED, people(1), false, true);
      expect(await files()).toEqual([leaflet]);
    }
    expect(rig.inbox.messages).toHaveLength(2);
    await assertWhole(rig);
  });

  it('may be stored by ten mailings at the same time', async () => {
    const app = await rig.boot(inFolder);
    const send = () => app.sender.sendEmailMessage(ATTACHED, people(1), false, true);
    await Promise.all(Array.from({ length: 10 }, send));
    expect(await files()).toEqual([leaflet]);
    expect(rig.inbox.messages).toHaveLength(10);
    await assertWhole(rig);
  });

  it.each([
    ['from the table to a folder', false],
    ['from a folder to another way of naming it', true],
  ])('are found where the mailing stored them when the option changes %s', async (_, wasFolder) => {
    const first = await rig.boot(wasFolder ? inFolder : {});
    const id = await sendLater(first, 3);
    await first.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    await rig.boot({ attachments: { store: { dir: `${folder}/` } } });
    await rig.reached(id, 'completed');
    await rig.assertAllSent(id, 3);
    await assertWhole(rig);
  });

  it('pause a mailing on a server without that option', async () => {
    const first = await rig.boot(inFolder);
    const id = await sendLater(first, 3);
    await first.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    const without = await rig.boot();
    const { statusReason } = await rig.reached(id, 'paused');
    expect(statusReason).toMatch(
      /^attachments: .*leaflet\.pdf.*attachments\.store of this server is not a folder/,
    );
    await without.close();
    const second = await rig.boot(inFolder);
    await second.sender.resume(id);
    await rig.reached(id, 'completed');
    await assertWhole(rig);
  });

  it.each(['../leaflet', '', `${HASH}/../${HASH}`])(
    'are read only from files named by a hash, whatever a row says: %j',
    async (hash) => {
      const first = await rig.boot(inFolder);
      const id = await sendLater(first, 3);
      await first.close();
      const mailings = rig.database.dataSource.getRepository(Mailing);
      const { attachments } = await mailings.findOneByOrFail({ id });
      const changed = (attachments as object[]).map((one) => ({ ...one, hash }));
      await mailings.update(id, { attachments: changed as never, scheduledAt: null });
      await rig.boot(inFolder);
      const { statusReason } = await rig.reached(id, 'paused');
      expect(statusReason).toMatch(/^attachments: expected "leaflet.pdf" .* no SHA-256/);
    },
  );

  it('are refused when the folder disappears, which is not created again', async () => {
    const app = await rig.boot(inFolder);
    await rm(folder, { recursive: true });
    const refusal = await app.sender
      .sendEmailMessage(ATTACHED, people(1), { persist: true })
      .catch((error: unknown) => error as Error);
    expect(refusal).toMatchObject({
      code: 'MAILING_ATTACHMENT_NOT_STORED',
      field: 'attachments[0]',
      path: leaflet,
    });
    expect((refusal as Error).message).toContain('ENOENT');
    expect((refusal as Error).message).toContain('attachments.store');
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  it('leave no file behind when the application starts', async () => {
    await rig.boot(inFolder);
    expect(await files()).toEqual([]);
  });

  // No user can create a file there, not even root.
  it.runIf(process.platform === 'linux')(
    'stop the start where the folder can not be written to',
    async () => {
      const refusal = await rig.boot({ attachments: { store: { dir: '/proc' } } }).then(
        () => null,
        (error: unknown) => error as Error,
      );
      expect(refusal).toMatchObject({ code: 'MAILING_ATTACHMENT_FOLDER', dir: '/proc' });
      expect(refusal?.message).toContain('attachments.store.dir');
      expect(refusal?.message).toContain('ENOENT');
    },
  );
});
