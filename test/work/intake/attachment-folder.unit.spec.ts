import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttachmentFolder } from '../../../libs/mailing/src/store/attachments/attachment.folder.js';

const BYTES = Buffer.from('a leaflet');
const HASH = createHash('sha256').update(BYTES).digest('hex');

/** As Windows answers where another process has the file open that is to be replaced. */
const busy = (): Error => Object.assign(new Error('operation not permitted, rename'), { code: 'EPERM' });

describe('a folder of attachments on Windows', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'attachments-'));
  });

  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('takes the file of another writer, which another process reads already', async () => {
    const folder = new AttachmentFolder(dir, async (_, to) => {
      await writeFile(to, BYTES);
      throw busy();
    });
    await folder.write(HASH, BYTES);
    expect(await folder.read(HASH)).toEqual(BYTES);
    expect(await readdir(dirname(folder.placeOf(HASH)))).toEqual([HASH]);
  });

  it('does not take a damaged one, and leaves no other file', async () => {
    const folder = new AttachmentFolder(dir, () => Promise.reject(busy()));
    const path = folder.placeOf(HASH);
    await new AttachmentFolder(dir).write(HASH, BYTES);
    await writeFile(path, 'damaged !');
    await expect(folder.write(HASH, BYTES)).rejects.toMatchObject({ code: 'EPERM' });
    expect(await readdir(dirname(path))).toEqual([HASH]);
    await new AttachmentFolder(dir, rename).write(HASH, BYTES);
    expect(await readFile(path)).toEqual(BYTES);
  });
});
