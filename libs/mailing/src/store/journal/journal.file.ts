import { closeSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** One file that only grows. Everything here is done at once: what a line announces may not happen before it is written. */
export class JournalFile {
  #fd: number;
  #size: number;

  private constructor(
    private readonly path: string,
    first: string,
  ) {
    [this.#fd, this.#size] = begin(path, first);
  }

  /** @throws Error of the file system; nothing is left then. */
  static create(path: string, first: string): JournalFile {
    return new JournalFile(path, first);
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** @throws Error if not all of it could be written; the file may end in the middle of a line then. */
  append(lines: string): void {
    this.#size += write(this.#fd, lines);
  }

  /**
   * Puts a shorter file in its place: whoever dies in between leaves the old one.
   *
   * @throws Error of the file system; the old one goes on then.
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
   * Makes sure that nobody reads it: a full disk allows that, too.
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

  /** Without its first line it is no journal, wherever it lies by now. */
  #empty(): boolean {
    try {
      ftruncateSync(this.#fd, 0);
      return true;
    } catch {
      return false;
    }
  }

  /** It stays as it is. */
  close(): void {
    close(this.#fd);
  }
}

function close(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Some file systems tell of a write that failed only now. Nobody writes to it again.
  }
}

function begin(path: string, first: string): [fd: number, size: number] {
  // What a process of another incarnation left is never added to; that of a rotation which died may be.
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

/** @throws Error if the file system takes only a part of it: that is how a disk is full. */
function write(fd: number, text: string): number {
  const bytes = Buffer.from(text);
  const written = writeSync(fd, bytes);
  if (written < bytes.length)
    throw new Error(`Only ${written} of ${bytes.length} bytes could be written to the journal.`);
  return written;
}
