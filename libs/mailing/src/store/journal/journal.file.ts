import { closeSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** An append-only file. All calls are synchronous: what a line announces must not happen before the line is written. */
export class JournalFile {
  #fd: number;
  #size: number;

  private constructor(
    private readonly path: string,
    first: string,
  ) {
    [this.#fd, this.#size] = begin(path, first);
  }

  /** @throws Error of the file system; no file is left then. */
  static create(path: string, first: string): JournalFile {
    return new JournalFile(path, first);
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** @throws Error if not all of it could be written; the file may then end in the middle of a line. */
  append(lines: string): void {
    this.#size += write(this.#fd, lines);
  }

  /**
   * Replaces the file with a shorter one. If the process dies in between, the old file is left.
   *
   * @throws Error of the file system; the old file stays in use then.
   */
  replace(lines: string): void {
    const path = `${this.path}.new`;
    const [fd, size] = begin(path, lines);
    try {
      renameSync(path, this.path);
    } catch (error) {
      closeSync(fd);
      rmSync(path, { force: true });
      throw error;
    }
    const old = this.#fd;
    [this.#fd, this.#size] = [fd, size];
    close(old);
  }

  /**
   * Removes the file, or at least empties it, so that no process reads it as a journal. A full disk allows that, too.
   *
   * @throws Error if that can't be done, for example on a disk that has become read-only.
   */
  discard(): void {
    const isEmpty = this.#empty();
    try {
      rmSync(this.path, { force: true });
    } catch (error) {
      if (!isEmpty) throw error;
    }
    this.close();
  }

  /** Without its first line the file is no journal, even if it was renamed. */
  #empty(): boolean {
    try {
      ftruncateSync(this.#fd, 0);
      return true;
    } catch {
      return false;
    }
  }

  /** The content of the file stays. */
  close(): void {
    close(this.#fd);
  }
}

function close(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Some file systems report a failed write only now. Nothing is written to this file again.
  }
}

function begin(path: string, first: string): [fd: number, size: number] {
  // Never append to an existing file. A rotation that died may have left one here.
  rmSync(path, { force: true });
  const fd = openSync(path, 'ax', 0o600);
  try {
    return [fd, write(fd, first)];
  } catch (error) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
}

/** @throws Error if the file system writes only a part of the text, as it does when the disk is full. */
function write(fd: number, text: string): number {
  const bytes = Buffer.from(text);
  const written = writeSync(fd, bytes);
  if (written < bytes.length)
    throw new Error(`Only ${written} of ${bytes.length} bytes could be written to the journal.`);
  return written;
}
