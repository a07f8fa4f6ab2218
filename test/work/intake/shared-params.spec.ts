import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';
import { MailerAdapterRenderer, type MailingTemplate, type TemplateRenderer } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

/** A renderer that empties the params it is given. */
class GreedyLetters implements TemplateRenderer {
  open(): Promise<MailingTemplate> {
    const render = ({ shop }: Record<string, unknown>) => {
      const { items } = shop as { items: string[] };
      return { subject: 'Hello', text: items.splice(0).join(' ') };
    };
    return Promise.resolve({ content: {}, render });
  }
}

describe('nested params', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const texts = async (): Promise<string[]> =>
    Promise.all(rig.inbox.messages.map(async (one) => ((await one.parsed()).text ?? '').trim()));

  it.each([true, false])(
    'are complete for each recipient, also where a template with code changes them, persisted: %s',
    async (persist) => {
      const letter =
        '- items.shift()\n- shop.owner.name += "!"\np #{items.join("+")} #{shop.owner.name} #{cart.pop()}';
      const { sender } = await rig.boot(
        { renderer: MailerAdapterRenderer },
        {
          templates: { 'letter.pug': letter },
          mailer: { template: { adapter: new PugAdapter({ inlineCssEnabled: false }) } },
        },
      );
      const params = { items: ['a', 'b', 'c'], shop: { owner: { name: 'Eve' } }, cart: ['none'] };
      const before = structuredClone(params);
      const cart = ['x', 'y'];
      const list = people(3).map((email) => ({ email: email as string, data: { cart } }));
      const info = { ...INFO, templateUrl: 'letter.pug', params };
      await sender.sendEmailMessage(info, list, false, persist);
      expect(await texts()).toEqual(Array.from({ length: 3 }, () => 'b+c Eve! y'));
      expect([params, cart]).toEqual([before, ['x', 'y']]);
    },
  );

  it.each([true, false])(
    'have the value at the time of the call, whatever the caller changes later, persisted: %s',
    async (persist) => {
      const templates = { 'letter.hbs': '{{#each shop.items}}{{this}} {{/each}}' };
      const { sender } = await rig.boot({}, { templates });
      const params = { shop: { items: ['a', 'b'] } };
      const sending = sender.sendEmailMessage({ ...INFO, params }, people(2), false, persist);
      params.shop.items.push('late');
      await sending;
      expect(await texts()).toEqual(['a b', 'a b']);
    },
  );

  it('of the caller are not changed by a renderer of the host', async () => {
    const { sender } = await rig.boot({ renderer: GreedyLetters });
    const params = { shop: { items: ['a', 'b'] } };
    await sender.sendEmailMessage({ ...INFO, params }, people(1), false);
    expect(await texts()).toEqual(['a b']);
    expect(params).toEqual({ shop: { items: ['a', 'b'] } });
  });

  it('may be circular, and objects of classes, where nothing is stored', async () => {
    const templates = { 'letter.hbs': '{{his.self.self.word}} {{his.since}}' };
    const { sender } = await rig.boot({}, { templates });
    const since = new Date('2026-01-01T12:00:00Z');
    const his = { self: null as unknown, word: 'round', since };
    his.self = his;
    await sender.sendEmailMessage({ ...INFO, params: { his } }, people(1), false);
    expect(await texts()).toEqual([`round ${String(since)}`]);
  });
});
