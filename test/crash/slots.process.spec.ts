import type { ChildProcess } from 'node:child_process';
import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { HostRig, kill } from './processes/host-rig.js';

const RECIPIENTS = 300;
const LETTER =
  '<p>Dear {{email}}</p><ul>{{#slot "promotion"}}<li>{{title}}</li>{{else}}<li>NOTHING</li>{{/slot}}</ul>';

forEachDatabase('a mailing with slots whose process is killed', (kind) => {
  const rig = HostRig.forEachTest(kind, 'slots.process', LETTER);
  let inbox: SmtpInbox;

  beforeEach(async () => {
    inbox = await SmtpInbox.start();
  });
  afterEach(() => inbox.close());

  const start = (send: 'yes' | 'no'): ChildProcess =>
    rig.start({ SMTP_URL: inbox.url, RECIPIENTS: String(RECIPIENTS), SEND: send });

  it('shows every recipient its promotion, or skips a recipient whose promotion can not be stored, before and after kills', async () => {
    let host = start('yes');
    for (const moment of [40, 150]) {
      await inbox.waitFor(moment);
      await kill(host);
      host = start('no');
    }
    const { id } = await waitUntil(
      () => rig.database.dataSource.getRepository(Mailing).findOneBy({ status: 'completed' }),
      { what: 'the mailing to complete' },
    );
    const progress = await readProgress(rig.database.dataSource, id);
    assertProgressAddsUp(progress);
    const { sent = 0, in_doubt: inDoubt = 0 } = progress.byStatus;
    expect(sent + inDoubt).toBe(RECIPIENTS - 1);
    expect(progress.byStatus.skipped).toBe(1);
    expect(inbox.countsByRecipient().has(`c${RECIPIENTS - 1}@home.example`)).toBe(false);
    expect(Math.max(...inbox.countsByRecipient().values())).toBe(1);
    expect(inbox.messages.length).toBeGreaterThanOrEqual(sent);
    for (const message of inbox.messages) {
      const userId = message.to[0].split('@')[0];
      const isEven = Number(userId.slice(1)) % 2 === 0;
      const shown = isEven ? `<li>Only for ${userId}</li>` : '<li>Half price</li><li>Free cake</li>';
      expect((await message.parsed()).html).toBe(`<p>Dear ${message.to[0]}</p><ul>${shown}</ul>`);
    }
  });
});
