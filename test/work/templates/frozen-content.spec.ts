import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MailTemplate } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertAllSentInBatches, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

const LATER = { persist: true, sendAt: new Date('2099-01-01') };
const OLD = { 'letter.hbs': 'old {{> sign}}', 'letter.fr.hbs': 'ancien {{> sign}}', 'text.hbs': 'old text' };
const NEW = { 'letter.hbs': 'new', 'letter.fr.hbs': 'nouveau', 'text.hbs': 'new text' };

forEachDatabase('the content of an accepted mailing', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const template = (): Promise<number> => rig.database.dataSource.getRepository(MailTemplate).count();
  const isDue = (): Promise<unknown> =>
    rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');

  async function withSign(app: MailingApp): Promise<MailingApp> {
    await mkdir(join(app.templateDir, 'partials'));
    await writeFile(join(app.templateDir, 'partials', 'sign.hbs'), 'sign ü 📬 \u0001');
    return app;
  }

  async function textsOf(): Promise<string[]> {
    const texts = rig.inbox.messages.map(async (message) => {
      const { html, text } = await message.parsed();
      return `${String(html).trim()} / ${text?.trim()}`;
    });
    return (await Promise.all(texts)).sort();
  }

  it('does not change in any language, with its partials and its text, after a restart without the files', async () => {
    const first = await withSign(await rig.boot({}, { templates: OLD }));
    const info = { ...INFO, altTemplateUrl: 'text.hbs' };
    const list = ['ann@home.example', { email: 'eve@home.example', data: { locale: 'fr' } }];
    const { mailingId } = await first.sender.sendEmailMessage(info, list, LATER);
    await first.close();
    await isDue();
    const second = await rig.boot({}, { templates: {} });
    await rig.reached(mailingId as string, 'completed');
    expect(await textsOf()).toEqual([
      'ancien sign ü 📬 \u0001 / old text',
      'old sign ü 📬 \u0001 / old text',
    ]);
    await expect(second.sender.sendEmailMessage(info, [])).rejects.toMatchObject({
      code: 'MAILING_TEMPLATE_MISSING',
    });
  });

  it('C8 does not change when a template is edited and deleted in the middle of the mailing; the next mailing has the new one', async () => {
    const { sender, templateDir } = await withSign(await rig.boot({}, { templates: OLD }));
    const { mailingId } = await sender.sendEmailMessage(INFO, people(200), { persist: true });
    await rig.inbox.waitFor(20);
    await rm(join(templateDir, 'letter.hbs'));
    await sender.pause(mailingId as string);
    await rig.reached(mailingId as string, 'paused');
    await writeFile(join(templateDir, 'letter.hbs'), NEW['letter.hbs']);
    await sender.resume(mailingId as string);
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 200);
    expect(new Set(await textsOf()).size).toBe(1);
    rig.inbox.messages.splice(0);
    await sender.sendEmailMessage(INFO, ['ann@home.example'], false);
    expect(await textsOf()).toEqual(['new / new']);
  });

  it('is the same on all servers of a mailing in batches, whatever their template folders contain', async () => {
    const web = await withSign(await rig.boot({ uniqServerId: 'web:1' }, { templates: OLD }));
    await rig.boot({ ...TAKES_BATCHES, uniqServerId: 'mail:1' }, { templates: NEW });
    await rig.boot({ ...TAKES_BATCHES, uniqServerId: 'mail:2' }, { templates: {} });
    const mailingId = await sendBatched(web, 100);
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 100);
    expect([...new Set(await textsOf())]).toEqual(['old sign ü 📬 \u0001 / old sign ü 📬 \u0001']);
  });

  it('is stored once, however many mailings have it, and not at all for those that are not persisted', async () => {
    const app = await withSign(await rig.boot({}, { templates: OLD }));
    await app.sender.sendEmailMessage(INFO, ['ann@home.example'], false);
    expect(await template()).toBe(0);
    const send = () => app.sender.sendEmailMessage(INFO, ['ann@home.example'], LATER);
    await Promise.all(Array.from({ length: 8 }, send));
    expect(await template()).toBe(3);
    await writeFile(join(app.templateDir, 'letter.hbs'), 'edited');
    await send();
    expect(await template()).toBe(4);
  });

  it('is stored whole for a template of 300 KB', async () => {
    const long = `<p>${'Übung '.repeat(50_000)}</p>`;
    const first = await rig.boot({}, { templates: { 'letter.hbs': long } });
    const { mailingId } = await first.sender.sendEmailMessage(INFO, ['ann@home.example'], LATER);
    await first.close();
    await isDue();
    await rig.boot({}, { templates: {} });
    await rig.reached(mailingId as string, 'completed');
    expect((await rig.inbox.messages[0].parsed()).html).toBe(long);
  });

  it('pauses the mailing if its stored templates are deleted', async () => {
    const first = await rig.boot();
    const { mailingId } = await first.sender.sendEmailMessage(INFO, ['ann@home.example'], LATER);
    await first.close();
    await rig.database.dataSource.query('DELETE FROM dps_mail_template');
    await isDue();
    await rig.boot();
    expect((await rig.reached(mailingId as string, 'paused')).statusReason).toMatch(
      /^template: .*letter\.hbs.*dps_mail_template/,
    );
  });
});
