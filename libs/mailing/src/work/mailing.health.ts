import { UnsafeConnectionError } from '../model/errors/database-setting.errors.js';
import { answerWithin } from '../model/values/deadline.js';
import { groupsBy } from '../model/values/groups-by.js';
import {
  type MailingFinding,
  type MailingFindingCode,
  type MailingHealthReport,
  MAX_IDS,
} from '../model/reports/mailing-health.report.js';
import { holderAdvice, holderInWords } from '../model/errors/id-holder.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import { PAUSE_REASONS } from '../model/states/mailing-status.js';
import { publicReasonOf, toPublicText } from '../model/values/public-text.js';
import { ReadOnlyServerError } from '../model/errors/read-only-server.error.js';
import type { HealthReader } from '../store/queries/health.reader.js';
import { MAX_COUNTED, type WaitingMailing } from '../store/queries/find-waiting.js';
import type { HeldMailing } from '../store/queries/find-held.js';
import type { HeldMailings } from './execution/held.mailings.js';
import type { ResumeHold } from './execution/resume-hold.js';
import type { ServerMembership } from './servers/server-membership.js';
import type { StalledFindings } from './stalled.findings.js';
import { ANY_SERVER } from './claims/any-server.js';

/** A caller of `check` waits no longer than this for a silent database. */
const TIMEOUT_MS = 5_000;
/** A fault that goes on occurs more often than this. */
const RECENTLY_MS = 60_000;

const UNCLAIMED = 'wait in batches, and no server takes batches. Set enabledAsTemplateMailServer on one';
const OVERDUE = 'were to begin by a moment that has passed. Resume or cancel them';

/** What to do about a mailing that the plugin has paused by itself, keyed by the beginning of its reason. */
const REMEDIES: Record<(typeof PAUSE_REASONS)[Exclude<keyof typeof PAUSE_REASONS, 'request'>], string> = {
  [PAUSE_REASONS.transport]: 'They go on by themselves once the mail server answers; look after it',
  [PAUSE_REASONS.profiles]: 'Make the profile repository work and resume them',
  [PAUSE_REASONS.recipients]: 'Make what the reason names answer and resume them',
  [PAUSE_REASONS.template]: 'Put the template back, or make the renderer work, and resume them',
  [PAUSE_REASONS.attachments]: 'Put the files back where they were kept and resume them',
  [PAUSE_REASONS.content]: 'Put back what was written there and resume them, or cancel them',
  [PAUSE_REASONS.rewound]: 'Settle the recipients in doubt and resume them',
  [PAUSE_REASONS.errorRate]: 'Find out why so many failed alike, then resume or cancel them',
};

/**
 * Reports the state of this server, and the mailings in its database that may wait for ever. It changes nothing.
 *
 * A restart of the process repairs none of the findings: use it for readiness, alarms and dashboards, not for liveness.
 */
export class MailingHealth {
  constructor(
    private readonly settings: Pick<
      MailingSettings,
      'enabledAsTemplateMailServer' | 'migrationList' | 'server' | 'uniqServerId'
    >,
    private readonly membership: ServerMembership,
    private readonly reader: HealthReader,
    private readonly stalled: StalledFindings,
    private readonly held: HeldMailings,
    private readonly hold: ResumeHold,
  ) {}

  /**
   * Runs one check: a few short statements. Never rejects: a database that can't be queried is a finding, after 5 s at the latest.
   * @example
   * ```ts
   * declare const health: MailingHealth;
   * const { isHealthy, findings } = await health.check();
   * if (!isHealthy) for (const { code, message } of findings) console.warn(code, message);
   * ```
   */
  async check(): Promise<MailingHealthReport> {
    const server = this.#server();
    const findings = [...this.#ofServer(server), ...(await this.#inTime())];
    return { isHealthy: findings.length === 0, server, findings };
  }

  #butHeld(kind: string): string {
    const isHeld = kind === PAUSE_REASONS.transport && this.hold.isWaiting;
    return isHeld ? `, and here no earlier than TemplateEmailRestarter.resume() is called` : '';
  }

  #server(): MailingHealthReport['server'] {
    const { uniqServerId, enabledAsTemplateMailServer: takesBatches } = this.settings;
    const { state, incarnation, other, lease } = this.membership;
    return {
      uniqServerId,
      incarnation,
      state: state === 'member' && !lease.holds() ? 'lost' : state,
      otherHost: other?.host ?? null,
      otherPid: other?.pid ?? null,
      takesBatches,
      isWaitingForResume: this.hold.isWaiting,
    };
  }

  #ofServer({ state, uniqServerId }: MailingHealthReport['server']): MailingFinding[] {
    const { other } = this.membership;
    if (state === 'standby' && other) {
      const message =
        `The uniqServerId ${uniqServerId} is in use by ${holderInWords(other)}; this one sends nothing until that is gone. ` +
        holderAdvice(other, this.settings.server.leaseMs);
      return [{ code: 'server_standby', message, serverId: uniqServerId }];
    }
    if (state !== 'lost') return [];
    const message =
      `The lease of ${uniqServerId} is lost; it begins nothing before a heartbeat succeeds, and tries every ` +
      `${this.settings.server.heartbeatIntervalMs} ms. See whether the database answers, and whether the process was suspended`;
    return [{ code: 'lease_lost', message, serverId: uniqServerId }];
  }

  async #inTime(): Promise<MailingFinding[]> {
    const silence = (): Error => new Error(`no answer within ${TIMEOUT_MS} ms`);
    try {
      return await answerWithin(this.#ofMailings(), TIMEOUT_MS, silence, { ref: false });
    } catch (error) {
      if (error instanceof UnsafeConnectionError) return [unsafe(error)];
      if (error instanceof ReadOnlyServerError) return [readOnly(error)];
      const reason = publicReasonOf(error);
      const message = `The database can't be asked: ${reason}. See whether it runs, and whether its pool has free connections`;
      return [{ code: 'database_unreachable', message }];
    }
  }

  #ofConnections(): MailingFinding[] {
    const refused = this.reader.unsafeConnection(RECENTLY_MS);
    const unwritable = this.reader.readOnlyServer(RECENTLY_MS);
    return [...(refused ? [unsafe(refused)] : []), ...(unwritable ? [readOnly(unwritable)] : [])];
  }

  async #ofMailings(): Promise<MailingFinding[]> {
    const { migrationList, uniqServerId } = this.settings;
    const lookedAfter = [uniqServerId, ...migrationList];
    // One after the other: a health check uses one connection of the pool.
    const orphaned = migrationList.includes(ANY_SERVER) ? [] : await this.reader.orphaned(lookedAfter);
    const unclaimed = await this.reader.unclaimed();
    const paused = await this.reader.pausedByThemselves();
    const overdue = await this.reader.overdue();
    const findings = this.#ofConnections();
    const held = await this.held.find(MAX_COUNTED);
    if (held.length > 0) findings.push(awaited(held));
    const abandoned = [...groupsBy(orphaned, ({ uniqServerId: id }) => id ?? 'no server')].map(
      ([serverId, mailings]) => ({
        ...finding(
          'mailings_orphaned',
          mailings,
          `belong to ${serverId}, which does not live. Start it, or put it on the migrationList of a server that is to take over`,
        ),
        serverId,
      }),
    );
    findings.push(...abandoned);
    for (const [kind, mailings] of groupsBy(paused, kindOf)) {
      const remedy = (REMEDIES as Record<string, string | undefined>)[kind] ?? 'Resume or cancel them';
      const text = `are paused (${toPublicText(mailings[0].statusReason ?? '')}). ${remedy}${this.#butHeld(kind)}`;
      findings.push(finding('mailings_paused', mailings, text));
    }
    if (unclaimed.length > 0) findings.push(finding('batches_unclaimed', unclaimed, UNCLAIMED));
    if (overdue.length > 0) findings.push(finding('mailings_overdue', overdue, OVERDUE));
    return [...findings, ...(await this.stalled.find())];
  }
}

function awaited(held: HeldMailing[]): MailingFinding {
  const numLeft = held.reduce((sum, one) => sum + one.numLeft, 0);
  const text =
    `with ${numLeft} recipients left wait, because this server was started with resume: 'manual'. ` +
    'Call TemplateEmailRestarter.resume() to begin them all, or TemplateEmailSender.resume or cancel for each';
  return finding('resume_awaited', held, text);
}

function unsafe({ message }: UnsafeConnectionError): MailingFinding {
  return { code: 'database_unsafe', message };
}

function readOnly({ message }: ReadOnlyServerError): MailingFinding {
  return { code: 'database_read_only', message };
}

function finding(
  code: MailingFindingCode,
  mailings: Pick<WaitingMailing, 'mailingId'>[],
  text: string,
): MailingFinding {
  const count = mailings.length < MAX_COUNTED ? `${mailings.length}` : `At least ${MAX_COUNTED}`;
  const mailingIds = mailings.slice(0, MAX_IDS).map(({ mailingId }) => mailingId);
  return { code, message: `${count} mailing(s) ${text}`, mailingIds };
}

function kindOf({ statusReason }: WaitingMailing): string {
  return (statusReason ?? '').split(':')[0];
}
