import {
  EmailAddress,
  Mailing,
  MailSlot,
  MailTrackdata,
  type ProfileRepository,
  SlotService,
  type TemplateEmailInfo,
} from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

/** Keys that would be sorted otherwise by length and by letter. */
const PRICES = {
  soup: '7',
  tea: '3',
  ale: '5',
  'a long lunch': { wine: '9', to: { go: '1', at: '2' } },
  b: '0',
};
const OWN = { zebra: 'Z', yak: 'Y', ox: 'O', auk: 'A' };
const CAMPAIGN = { season: 'summer', a: '1', week: '23' };
const HEADERS = { 'X-Zone': 'z', 'X-Campaign': 'c', 'X-B': 'b', 'X-A': 'a' };

const TEMPLATE = [
  '{{#each prices}}{{@key}},{{/each}}',
  '{{#each prices.[a long lunch].to}}{{@key}}={{this}},{{/each}}',
  '{{#each own}}{{@key}}={{this}},{{/each}}',
  '{{#each trackingData}}{{@key}}={{this}},{{/each}}',
  '{{#slot "promotion"}}{{#each this}}{{@key}}={{this}},{{/each}}{{/slot}}',
].join('|');
const WRITTEN = [
  'soup,tea,ale,a long lunch,b,',
  'go=1,at=2,',
  'zebra=Z,yak=Y,ox=O,auk=A,',
  'season=summer,a=1,week=23,',
  'zebra=Z,yak=Y,ox=O,auk=A,',
].join('|');

const LETTER: TemplateEmailInfo = {
  ...INFO,
  params: { prices: PRICES },
  headers: HEADERS,
  trackingData: CAMPAIGN,
};

class Profiles implements ProfileRepository {
  findByIds(ids: string[]): Promise<Map<string, { email: string }>> {
    return Promise.resolve(new Map(ids.map((id) => [id, { email: `${id}@home.example` }])));
  }
}

forEachDatabase('the key order of the host’s JSON', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const boot = () => rig.boot({ profileRepository: Profiles }, { templates: { 'letter.hbs': TEMPLATE } });

  /** Written by an application that has ended, so that what is sent was read from the database. */
  async function sentAfterRestart(): Promise<string> {
    const app = await boot();
    const slots = app.nest
      .get(SlotService)
      .define('promotion', { persistent: true })
      .fill('promotion', [OWN]);
    const list = [{ email: 'ann@home.example', data: { own: OWN } }, { userId: 'bob' }];
    const sendAt = new Date(Date.now() + 3_600_000);
    const how = { persist: true, sendAt };
    const { mailingId } = await app.sender.sendEmailMessage({ ...LETTER, slots }, list, how);
    await app.close();
    rig.apps = [];
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    await boot();
    await rig.reached(mailingId as string, 'completed');
    return mailingId as string;
  }

  it('is kept in params, data, slots and tracking data in templates, and in headers on the wire', async () => {
    await sentAfterRestart();
    const texts = await Promise.all(
      rig.inbox.messages.map(async (one) => [one.to[0], (await one.parsed()).html]),
    );
    expect(Object.fromEntries(texts)).toEqual({
      'ann@home.example': WRITTEN,
      'bob@home.example': WRITTEN.replace('zebra=Z,yak=Y,ox=O,auk=A,', ''),
    });
    for (const message of rig.inbox.messages) {
      const names = message.raw.toString('latin1').match(/^X-(Zone|Campaign|B|A)(?=:)/gm);
      expect(names).toEqual(Object.keys(HEADERS));
    }
  });

  it('is kept in the entities', async () => {
    const mailingId = await sentAfterRestart();
    const { dataSource } = rig.database;
    const mailing = await dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId });
    expect(JSON.stringify(mailing.params)).toBe(JSON.stringify(LETTER.params));
    expect(JSON.stringify(mailing.headers)).toBe(JSON.stringify(HEADERS));
    const [address] = await dataSource.getRepository(EmailAddress).findBy({ mailingId });
    expect(JSON.stringify(address.data)).toBe(JSON.stringify({ own: OWN }));
    const [slot] = await dataSource.getRepository(MailSlot).findBy({ mailingId });
    expect(JSON.stringify(slot.content)).toBe(JSON.stringify({ is: [OWN] }));
    const pairs = await dataSource
      .getRepository(MailTrackdata)
      .find({ where: { mailingId }, order: { idx: 1 } });
    expect(pairs.map(({ mapKey }) => mapKey)).toEqual(Object.keys(CAMPAIGN));
  });
});
