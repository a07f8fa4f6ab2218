import { incarnationOf } from '../../model/states/claim-token.js';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnApplicationBootstrap } from '@nestjs/common';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { DeadJournal } from '../../store/journal/dead.journal.js';
import type { JournalFolder } from '../../store/journal/journal.folder.js';
import type { JournalOwner } from '../../store/journal/journal.lines.js';
import { readContent, readOwner } from '../../store/journal/journal.reader.js';
import type { MailingClaims } from '../../store/claims/mailing-claims.js';
import { JOURNAL_ENDING, journalPath } from '../../store/journal/mailing.journal.js';
import type { TemplateEmailBatchPersister } from '../../store/claims/template-email-batch.persister.js';
import { readPidNamespace } from '../servers/pid-namespace.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';

/** A journal of another server, which may still need it, or a damaged journal whose owner is unknown, is kept this long. */
const OTHERS_KEPT_MS = 7 * 86_400_000;

/**
 * Reads the journals of dead processes, if they can be trusted.
 *
 * A journal lists what its process had begun up to the moment of reading. So the process must be dead for certain, not only silent: a process that
 * was stopped, and whose lease ran out, would wake up and begin a message that we have just treated as not begun. A death is certain only on the same
 * host and within one pid namespace. The boot of the kernel is part of the namespace, because a machine that lost its power has lost the last lines.
 */
export class JournalRecovery implements OnApplicationBootstrap {
  constructor(
    private readonly folder: JournalFolder,
    private readonly settings: Pick<MailingSettings, 'uniqServerId'>,
    private readonly membership: ServerMembership,
    private readonly claims: MailingClaims,
    private readonly batches: TemplateEmailBatchPersister,
    private readonly periodic: TemplateEmailPeriodicService,
  ) {}

  onApplicationBootstrap(): void {
    this.periodic.addTask(() => this.clear());
  }

  /** What the dead run with this claim left; null: nothing that can be trusted. Never rejects. */
  async read(claimToken: string): Promise<DeadJournal | null> {
    const { dir } = this.folder;
    if (dir === null) return null;
    const incarnation = incarnationOf(claimToken);
    const path = journalPath(dir, incarnation);
    const owner = await readOwner(path);
    // Prove the death before reading: until then the process may still write.
    if (owner?.incarnation !== incarnation || !this.membership.isKnownDead(owner)) return null;
    const content = await readContent(path);
    if (!content) return null;
    return new DeadJournal(content.claims.get(claimToken) ?? new Map(), content.gaps.get(claimToken));
  }

  /** Removes the journals of this server's dead incarnations that hold no claim any more, and old journals of other servers. */
  async clear(): Promise<void> {
    const { dir } = this.folder;
    if (dir === null) return;
    const { uniqServerId } = this.settings;
    const { incarnation } = this.membership;
    const others = (await readdir(dir)).filter(
      (name) => name.includes(JOURNAL_ENDING) && incarnation !== null && !name.startsWith(incarnation),
    );
    if (others.length === 0) return;
    const held = await this.#held(uniqServerId);
    for (const name of others) {
      const path = join(dir, name);
      const owner = await readOwner(path);
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

/** False for a file that another server has removed meanwhile. */
async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > OTHERS_KEPT_MS;
}
