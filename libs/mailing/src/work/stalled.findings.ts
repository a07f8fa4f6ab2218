import { groupsBy } from '../model/values/groups-by.js';
import { type MailingFinding, MAX_IDS } from '../model/reports/mailing-health.report.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import { toPublicText } from '../model/values/public-text.js';
import type { HealthReader } from '../store/queries/health.reader.js';
import type { RunRegistry } from './run/run.registry.js';
import type { OpeningOutages } from './execution/opening-outages.js';
import type { ResumeHold } from './execution/resume-hold.js';
import type { Wait } from './pacing/wait.js';
import type { SourceWatches } from './intake/source-watches.js';

/**
 * `MailingHealth` reports a run that commits nothing, or a list source that yields nothing, after this time, in milliseconds.
 *
 * Invariant: a mailing that makes no progress is reported within a minute (docs/host-functions.md). A healthy run commits far more often: each
 * message that ends is committed, and a run that waits for next attempts polls every 30 s. A function of the host or a mail server that needs longer
 * than this for one answer is reported too, until it answers.
 */
export const STALLED_AFTER_MS = 60_000;

export interface StalledFindingsParts {
  settings: Pick<MailingSettings, 'uniqServerId'>;
  reader: HealthReader;
  runs: RunRegistry;
  sources: SourceWatches;
  openings: OpeningOutages;
  hold: ResumeHold;
}

/** A mailing without progress; its id is null if it is not persisted. */
interface Stalled {
  mailingId: string | null;
  serverId: string;
  doing: 'in progress' | 'being written down' | 'to be begun';
  /** Null: only another server knows it. */
  wait: Wait | null;
}

/**
 * Finds mailings that a live server works on and that make no progress, and reports what they wait for.
 *
 * The database shows that a run commits nothing, whichever server it is on. Only the run's own process knows what it waits for. The same holds for
 * lists with a silent source, and for mailings whose templates can't be opened.
 */
export class StalledFindings {
  constructor(private readonly parts: StalledFindingsParts) {}

  /** @throws the error of the database. */
  async find(): Promise<MailingFinding[]> {
    const { settings, reader, runs, sources, openings, hold } = this.parts;
    const { uniqServerId: serverId } = settings;
    const found = new Map<string, Stalled>();
    const note = (one: Stalled): void => {
      const key = `${one.mailingId ?? `#${found.size}`} ${one.serverId}`;
      if (!found.has(key)) found.set(key, one);
    };
    for (const { mailingId, wait } of runs.lasting(STALLED_AFTER_MS))
      note({ mailingId, serverId, doing: 'in progress', wait });
    for (const { mailingId, uniqServerId } of await reader.stalled(STALLED_AFTER_MS)) {
      // Claimed by a dead process with this server's id; the finding `resume_awaited` covers it.
      if (uniqServerId === serverId && !hold.mayBegin(mailingId)) continue;
      const [wait = null] = uniqServerId === serverId ? runs.waitsOf(mailingId) : [];
      note({ mailingId, serverId: uniqServerId, doing: 'in progress', wait });
    }
    for (const { mailingId, wait } of sources.silentFor(STALLED_AFTER_MS))
      note({ mailingId, serverId, doing: mailingId === null ? 'to be begun' : 'being written down', wait });
    for (const { mailingId, wait } of openings.lasting(STALLED_AFTER_MS))
      note({ mailingId, serverId, doing: 'to be begun', wait });
    return findingsOf(found.values());
  }
}

/** Mailings that wait for the same thing become one finding. */
function findingsOf(stalled: Iterable<Stalled>): MailingFinding[] {
  const groups = groupsBy(stalled, ({ serverId, doing, wait }) => [serverId, doing, wait?.what].join('\n'));
  return [...groups.values()].map((group) => {
    const [{ serverId }] = group;
    const ids = group.flatMap(({ mailingId }) => (mailingId === null ? [] : [mailingId]));
    const message = `${group.length} mailing(s) ${sentenceOf(group)}`;
    return { code: 'mailing_stalled', message, serverId, mailingIds: ids.slice(0, MAX_IDS) };
  });
}

function sentenceOf(group: Stalled[]): string {
  const [{ serverId, doing, wait }] = group;
  const quiet = `${doing} on ${serverId}, which lives, have not moved for ${STALLED_AFTER_MS / 1_000} s or more.`;
  if (!wait) return `${quiet} Ask MailingHealth of that server what is waited for`;
  const since = Math.min(...group.map((one) => one.wait?.since ?? Infinity));
  const at = new Date(Date.now() - (performance.now() - since)).toISOString();
  return (
    `${quiet} They wait for ${toPublicText(wait.what)}, since ${at}. ` +
    'See why that does not come; pause and cancel work meanwhile'
  );
}
