import { Mailing, type MailingHealthReport, type MailingStatus, MailServer } from 'nestjs-mailing';
import type { MailingApp } from '../hosts/mailing-app.js';
import type { MailingRig } from '../hosts/mailing-rig.js';
import { waitUntil } from '../wait-until.js';

export const LONG_AGO = new Date('2020-01-01T00:00:00Z');
export const FUTURE = new Date(Date.now() + 3_600_000);

/** Writes rows as other servers would leave them, bypassing the plugin. */
export interface Leaver {
  leave: (
    id: string,
    status: MailingStatus,
    uniqServerId: string,
    more?: Partial<Omit<Mailing, 'params' | 'headers' | 'attachments'>>,
  ) => Promise<void>;
  /** A server whose lease ends in an hour, unless `more` says otherwise. */
  leaveServer: (uniqServerId: string, more?: Partial<MailServer>) => Promise<void>;
}

export function leaver(rig: MailingRig): Leaver {
  return {
    leave: async (id, status, uniqServerId, more = {}) => {
      const facts = { subject: 'x', from: 'x@x.example', templateUrl: 'letter.hbs', createdAt: LONG_AGO };
      const mailings = rig.database.dataSource.getRepository(Mailing);
      await mailings.insert({ ...facts, id, status, uniqServerId, ...more });
    },
    leaveServer: async (uniqServerId, more = {}) => {
      const facts = { incarnation: uniqServerId, hostname: 'far.example', pid: 1, startedAt: LONG_AGO };
      const servers = rig.database.dataSource.getRepository(MailServer);
      await servers.insert({ uniqServerId, ...facts, lastUpdated: FUTURE, ...more });
    },
  };
}

/** Resolves with the first health report in which the server has this state. */
export function healthIn(app: MailingApp, expected: string): Promise<MailingHealthReport> {
  const look = async (): Promise<MailingHealthReport | null> => {
    const report = await app.health.check();
    return report.server.state === expected ? report : null;
  };
  return waitUntil(look, { what: `it to be ${expected}` });
}
