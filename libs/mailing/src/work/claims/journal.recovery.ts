import { incarnationOf } from '../../model/states/claim-token.js';
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnApplicationBootstrap } from '@nestjs/common';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { DeadJournal } from '../../store/journal/dead.journal.js';
import {
  type JournalContent,
  type JournalOwner,
  ownerOf,
  readLines,
} from '../../store/journal/journal.lines.js';
import type { MailingClaims } from '../../store/claims/mailing-claims.js';
import { JOURNAL_ENDING, journalPath } from '../../store/journal/mailing.journal.js';
import type { TemplateEmailBatchPersister } from '../../store/claims/template-email-batch.persister.js';
import { readPidNamespace } from '../servers/pid-namespace.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';

/** A journal of another server, which may still need it, or a damaged journal whose owner is unknown, is kept this long. */
const OTHERS_KEPT_MS = 7 * 86_400_000;
/** More than the first line takes. */
const HEADER_BYTES = 4_096;

/**
 * Reads the journals of dead processes, if they can be trusted.
 *
 * A journal lists what its process had begun up to the moment of reading. So the process must be dead for certain, not only silent: a process that
 * was stopped, and whose lease ran out, would wake up and begin a message that we have just treated as not begun. A death is certain only on the same
 * host and within one pid namespace. The boot of the kernel is part of the namespace, because a machine that lost its power has lost the last lines.
 */
export class JournalRecovery implements OnApplicationBootstrap {
  constructor(
    private readonly settings: Pick<MailingSettings, 'journal' | 'uniqServerId'>,
    private readonly membership: ServerMembership,
    private readonly claims: MailingClaims,
    private readonly batches: TemplateEmailBatchPersister,
    private readonly periodic: TemplateEmailPeriodicService,
  ) {}

  onApplicationBootstrap(): void {
    if (this.settings.journal) this.periodic.addTask(() => this.clear());
  }

  /** What the dead run with this claim left; null: nothing that can be trusted. Never rejects. */
  async read(claimToken: string): Promise<DeadJournal | null> {
    const { journal } = this.settings;
    if (!journal) return null;
    const incarnation = incarnationOf(claimToken);
    const path = journalPath(journal.dir, incarnation);
    const owner = await ownerIn(path);
    // Prove the death before reading: until then the process may still write.
    if (owner?.incarnation !== incarnation || !this.membership.isKnownDead(owner)) return null;
    const content = await contentOf(path);
    if (!content) return null;
    return new DeadJournal(content.claims.get(claimToken) ?? new Map(), content.gaps.get(claimToken));
  }

  /** Removes the journals of this server's dead incarnations that hold no claim any more, and old journals of other servers. */
  async clear(): Promise<void> {
    const { journal, uniqServerId } = this.settings;
    if (!journal) return;
    const { incarnation } = this.membership;
    const others = (await readdir(journal.dir)).filter(
      (name) => name.includes(JOURNAL_ENDING) && incarnation !== null && !name.startsWith(incarnation),
    );
    if (others.length === 0) return;
    const held = await this.#held(uniqServerId);
    for (const name of others) {
      const path = join(journal.dir, name);
      const owner = await ownerIn(path);
      if (owner && this.#mayLive(owner)) continue;
      const isOurs = owner?.uniqServerId === uniqServerId;
      const isOver = isOurs ? !held.has(owner.incarnation) : await isOld(path);
      if (isOver) await rm(path, { force: true });
    }
  }

  /** True for another live application that shares the folder by mistake. */
  #mayLive(owner: JournalOwner): boolean {
    return owner.pidNamespace === readPidNamespace() && !this.membership.isKnownDead(owner);
  }

  async #held(uniqServerId: string): Promise<Set<string>> {
    const mailings = await this.claims.unfinished(uniqServerId);
    const batches = await this.batches.claimedByDead(uniqServerId);
    const tokens = [...mailings, ...batches].flatMap(({ claimToken }) => claimToken ?? []);
    return new Set(tokens.map(incarnationOf));
  }
}

/** Reads a journal's owner from its first line alone. */
async function ownerIn(path: string): Promise<JournalOwner | null> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
      const text = buffer.toString('utf8', 0, bytesRead);
      return ownerOf(text.slice(0, text.indexOf('\n')));
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

/** False for a file that another server has removed meanwhile. */
async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > OTHERS_KEPT_MS;
}

async function contentOf(path: string): Promise<JournalContent | null> {
  try {
    return readLines(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}
