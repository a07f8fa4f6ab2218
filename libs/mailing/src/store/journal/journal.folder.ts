import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { JournalFolderError } from '../../model/options/setup.errors.js';
import { identityOf } from './data-source.identity.js';
import { makePrivateFolder } from './private.folder.js';
import { stateDirectory } from './state.directory.js';

/** Why there is no journal although no option turns it off. */
export interface NoJournal {
  error: unknown;
}

/**
 * The folder of the journals of this process and of its siblings: servers of the same tables, on the same machine, of the same user. They share it, so
 * that each can read the journal of another one that is dead; a file has the name of one incarnation, so no two processes write the same file.
 */
export class JournalFolder {
  #dir: string | null = null;

  constructor(
    private readonly settings: Pick<MailingSettings, 'journal'>,
    private readonly dataSource: Pick<DataSource, 'options'>,
    private readonly platform: NodeJS.Platform = process.platform,
  ) {}

  /** Null: there is no journal. */
  get dir(): string | null {
    return this.#dir;
  }

  /**
   * Makes the folder.
   *
   * @returns why there is none where the default place can't be used; null: there is one, or there is to be none.
   * @throws JournalFolderError if no file can be made in the folder that the option names.
   */
  prepare(): NoJournal | null {
    const { journal } = this.settings;
    if (!journal) return null;
    if (journal.dir !== null) {
      this.#dir = given(journal.dir);
      return null;
    }
    const identity = identityOf(this.dataSource);
    if (identity === null) return null;
    try {
      if (this.platform !== 'linux')
        throw new Error('only Linux tells whether the machine has booted since the last line');
      this.#dir = usable(makePrivateFolder(stateDirectory(), 'nestjs-mailing', nameOf(identity)));
      return null;
    } catch (error) {
      return { error };
    }
  }
}

function given(dir: string): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return usable(dir);
  } catch (error) {
    throw new JournalFolderError(dir, error);
  }
}

/** Its file system may be read-only. */
function usable(dir: string): string {
  accessSync(dir, constants.W_OK | constants.X_OK | constants.R_OK);
  return dir;
}

/** A path may not have the characters that the identity has. */
function nameOf(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}
