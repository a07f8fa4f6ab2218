import { describe, expect, it } from 'vitest';
import { MailingEvents } from '../../../libs/mailing/src/model/reports/mailing-event.js';
import type { TemplateEmailBatchServerPersister } from '../../../libs/mailing/src/store/servers/template-email-batch-server.persister.js';
import type { JournalManager } from '../../../libs/mailing/src/work/servers/journal.manager.js';
import { ServerMembership } from '../../../libs/mailing/src/work/servers/server-membership.js';

const SETTINGS = { uniqServerId: 'test:1', server: { leaseMs: 60_000 } } as never;
const JOURNAL = { open: () => undefined, close: () => undefined } as unknown as JournalManager;

describe('a membership that ends while a heartbeat is in progress', () => {
  it.each([true, false])('is neither renewed nor reported as lost by an answer of %s', async (isRenewed) => {
    let answer = (_isRenewed: boolean): void => undefined;
    const persister = {
      register: () => Promise.resolve(null),
      renew: () => new Promise<boolean>((resolve) => (answer = resolve)),
      deregister: () => Promise.resolve(),
    } as unknown as TemplateEmailBatchServerPersister;
    const events = new MailingEvents();
    const lost: unknown[] = [];
    events.on('server:lost', (facts) => void lost.push(facts));
    const membership = new ServerMembership(persister, SETTINGS, events, JOURNAL);
    expect(await membership.heartbeat()).toBe('member');

    const leaving = membership.leave();
    const renewal = membership.heartbeat();
    await leaving;
    answer(isRenewed);

    expect(await renewal).toBe('lost');
    expect(membership.lease.holds()).toBe(false);
    expect(lost).toEqual([]);
  });
});

describe('a heartbeat that does not find the row of this process', () => {
  it('right after the registration means a lagging node, and later that the server was declared dead', async () => {
    const answers = [false, true, false];
    const persister = {
      register: () => Promise.resolve(null),
      renew: () => Promise.resolve(answers.shift()),
    } as unknown as TemplateEmailBatchServerPersister;
    const settings = {
      uniqServerId: 'test:1',
      server: { leaseMs: 60_000, databaseLagTimeoutMs: 60_000 },
    };
    const membership = new ServerMembership(persister, settings as never, new MailingEvents(), JOURNAL);
    await membership.heartbeat();
    await expect(membership.heartbeat()).rejects.toMatchObject({ code: 'MAILING_DATABASE_BEHIND' });
    expect([membership.state, membership.lease.holds()]).toEqual(['member', true]);
    expect(await membership.heartbeat()).toBe('member');
    expect(await membership.heartbeat()).toBe('lost');
  });
});
