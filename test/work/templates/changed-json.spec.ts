import { Mailing, type Recipient, type TemplateEmailInfo } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

/** JSON that the database accepts, but no object. */
const NO_OBJECTS = ['"tea"', '[1]', '5', 'true'];
const TEMPLATES = { 'letter.hbs': '{{greeting}}, {{drink}}' };

forEachDatabase('JSON that was changed in the database to another type', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  /** Written by a process that has ended, so that no run has read it before it is changed. */
  async function scheduled(info: Partial<TemplateEmailInfo>): Promise<string> {
    const app = await boot();
    const list = [...NO_OBJECTS, 'whole', 'none'].map((_, n): Recipient => {
      return { email: `reader${n}@home.example`, ...(n < 5 && { data: { drink: 'coffee' } }) };
    });
    const sendAt = new Date(Date.now() + 3_600_000);
    const { mailingId } = await app.sender.sendEmailMessage({ ...INFO, ...info }, list, {
      persist: true,
      sendAt,
    });
    await app.close();
    rig.apps = [];
    return mailingId as string;
  }

  const write = (table: string, column: string, json: string, where = '1 = 1') =>
    rig.database.dataSource.query(`UPDATE ${table} SET ${column} = '${json}' WHERE ${where}`);
  const begin = () => rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
  const boot = () => rig.boot({}, { templates: TEMPLATES });

  it('in the data of a recipient fails that recipient only', async () => {
    const id = await scheduled({});
    for (const [idx, json] of NO_OBJECTS.entries())
      await write('dps_email_address', 'data', json, `idx = ${idx}`);
    await begin();
    await boot();
    await rig.reached(id, 'completed');
    const progress = await rig.progress(id);
    assertProgressAddsUp(progress);
    expect(progress.recipients.map(({ status }) => status)).toEqual([
      ...NO_OBJECTS.map(() => 'skipped'),
      'sent',
      'sent',
    ]);
    for (const { errorCode, errorText } of progress.recipients.slice(0, NO_OBJECTS.length))
      expect([errorCode, errorText]).toEqual(['invalid_recipient', expect.any(String)]);
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual([
      'reader4@home.example',
      'reader5@home.example',
    ]);
  });

  it('in the params pauses the mailing, which is sent as it was written once they are restored', async () => {
    const id = await scheduled({ params: { greeting: 'Good morning' } });
    await begin();
    await write('dps_mailing', 'params', NO_OBJECTS[0]);
    const app = await boot();
    for (const [n, json] of NO_OBJECTS.entries()) {
      await write('dps_mailing', 'params', json);
      if (n > 0) await app.sender.resume(id);
      const { statusReason } = await rig.reached(id, 'paused');
      expect(statusReason).toBe('content: dps_mailing.params holds no JSON object');
      expect(rig.inbox.messages).toEqual([]);
    }
    const [finding] = (await app.health.check()).findings;
    expect(finding.message).toContain('Put back what was written there');
    await write('dps_mailing', 'params', '{"greeting":"Good morning"}');
    await app.sender.resume(id);
    await rig.reached(id, 'completed');
    const texts = await Promise.all(rig.inbox.messages.map(async (one) => (await one.parsed()).text?.trim()));
    expect(texts.toSorted((a = '', b = '') => a.localeCompare(b))).toEqual([
      'Good morning,',
      ...Array.from({ length: 5 }, () => 'Good morning, coffee'),
    ]);
  });

  it.each([
    ['headers', '[1]', 'object'],
    ['headers', '"tea"', 'object'],
    ['attachments', '{}', 'array'],
    ['template_hashes', '5', 'object'],
  ])('pauses a mailing whose %s are changed to %s', async (column, json, expected) => {
    const id = await scheduled({
      headers: { 'X-Campaign': 'summer' },
      attachments: [{ filename: 'a.txt', content: 'a' }],
    });
    await write('dps_mailing', column, json);
    await begin();
    await boot();
    expect((await rig.reached(id, 'paused')).statusReason).toBe(
      `content: dps_mailing.${column} holds no JSON ${expected}`,
    );
    expect(await rig.database.dataSource.getRepository(Mailing).findOneBy({ id })).toMatchObject({
      numSent: 0,
    });
    expect(rig.inbox.messages).toEqual([]);
  });
});
