import type { TemplateEmailInfo } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

const PAGE =
  'm={{mailingId}} s={{siteId}} t={{trackingData.campaign}} l={{locale}} e={{email}} p={{greeting}} x={{trackingData.none}}';
const LETTER: TemplateEmailInfo = {
  ...INFO,
  templateUrl: 'page.hbs',
  siteId: 'shop-de',
  locale: 'de',
  trackingData: { campaign: 'summer', 'a key': 'ü' },
  params: { greeting: 'Hi', siteId: 'of params', mailingId: 'of params' },
};

forEachDatabase('the context of templates', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const boot = () => rig.boot({}, { templates: { 'page.hbs': PAGE, 'letter.hbs': '{{email}}' } });

  it('has the mailing, its site, its tracking data and the locale, and data of a recipient can not override them', async () => {
    const { sender } = await boot();
    const own = { siteId: 'evil', mailingId: 'evil', trackingData: { campaign: 'evil' }, locale: 'fr' };
    const list = ['ann@home.example', { email: 'bob@home.example', data: { ...own, greeting: 'Salut' } }];
    const { mailingId } = await sender.sendEmailMessage(LETTER, list, {
      persist: true,
      runInSeparateThread: false,
    });
    const texts = await textsByAddress();
    expect(texts.get('ann@home.example')).toBe(
      `m=${mailingId} s=shop-de t=summer l=de e=ann@home.example p=Hi x=`,
    );
    expect(texts.get('bob@home.example')).toBe(
      `m=${mailingId} s=shop-de t=summer l=fr e=bob@home.example p=Salut x=`,
    );
  });

  it('is the same after a restart, and when nothing is persisted', async () => {
    const first = await boot();
    const { mailingId } = await first.sender.sendEmailMessage(LETTER, ['ann@home.example'], {
      persist: true,
      sendAt: new Date(Date.now() + 3_600_000),
    });
    await first.close();
    await rig.database.dataSource.query(`UPDATE dps_mailing SET scheduled_at = NULL`);
    const second = await boot();
    await rig.reached(mailingId as string, 'completed');
    expect([...(await textsByAddress()).values()]).toEqual([
      `m=${mailingId} s=shop-de t=summer l=de e=ann@home.example p=Hi x=`,
    ]);
    rig.inbox.messages.splice(0);
    await second.sender.sendEmailMessage(LETTER, ['bob@home.example'], false);
    const [message] = rig.inbox.messages;
    expect([...(await textsByAddress()).values()]).toEqual([
      `m=${message.header('X-Mailing-Id')} s=shop-de t=summer l=de e=bob@home.example p=Hi x=`,
    ]);
  });

  describe('messageTo', () => {
    it('gets every message, in header and envelope, and the outcomes are recorded for the recipients', async () => {
      const { sender } = await boot();
      const list = ['ann@home.example', 'bob@home.example', 'not an address'];
      const info = { ...INFO, messageTo: 'Last Look <look@shop.example>' };
      const { completed, mailingId } = await sender.sendEmailMessage(info, list, { persist: true });
      expect(await completed).toMatchObject({ numSent: 2, numSkipped: 1 });
      expect(rig.inbox.messages.map(({ to }) => to)).toEqual([['look@shop.example'], ['look@shop.example']]);
      for (const message of rig.inbox.messages)
        expect(message.header('To')).toBe('Last Look <look@shop.example>');
      expect([...(await shownAddresses())].sort()).toEqual(['ann@home.example', 'bob@home.example']);
      const { recipients } = await rig.progress(mailingId as string);
      expect(recipients.map(({ status }) => status)).toEqual(['sent', 'sent', 'skipped']);
    });

    it.each([
      ['MAILING_HEADER_ADDRESS_INVALID', 'nobody'],
      ['MAILING_HEADER_ADDRESS_INVALID', 'a@shop.example, b@shop.example'],
      ['MAILING_HEADER_INJECTION', 'a@shop.example\r\nBcc: evil@x.example'],
    ])('is refused with %s: %j', async (code, messageTo) => {
      const { sender } = await boot();
      await expect(sender.sendEmailMessage({ ...INFO, messageTo }, [])).rejects.toMatchObject({ code });
    });
  });

  async function textsByAddress(): Promise<Map<string, string>> {
    const texts = new Map<string, string>();
    for (const message of rig.inbox.messages) {
      const { text } = await message.parsed();
      texts.set(message.to[0], (text ?? '').replace(/\s+/g, ' ').trim());
    }
    return texts;
  }

  async function shownAddresses(): Promise<string[]> {
    return Promise.all(
      rig.inbox.messages.map(async (message) => ((await message.parsed()).text ?? '').trim()),
    );
  }
});
