import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type JournalContent, type JournalOwner, ownerOf, readLines } from './journal.lines.js';
import { isOurs } from './private.folder.js';

/** More than the first line takes. */
const HEADER_BYTES = 4_096;

/**
 * Reads a journal's owner from its first line alone.
 *
 * @returns null: there is no such file, it is no journal, or it belongs to another user.
 */
export function readOwner(path: string): Promise<JournalOwner | null> {
  return reading(path, async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    return ownerOf(text.slice(0, text.indexOf('\n')));
  });
}

/** @returns null: there is no such file, it is no journal, it is damaged, or it belongs to another user. */
export function readContent(path: string): Promise<JournalContent | null> {
  return reading(path, async (file) => readLines(await file.readFile('utf8')));
}

/** What another user may have written is not believed, and a link of theirs is not followed. A pipe would never end, so opening does not wait. */
async function reading<T>(path: string, read: (file: FileHandle) => Promise<T | null>): Promise<T | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      return found.isFile() && isOurs(found) ? await read(file) : null;
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}
