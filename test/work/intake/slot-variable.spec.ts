import { SlotService } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';

describe('a variable of the host that is called slot', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const shown = async (letter: string, data: Record<string, unknown>): Promise<unknown> => {
    const app = await rig.boot({}, { templates: { 'letter.hbs': letter } });
    app.nest.get(SlotService).define('promotion', { persistent: true });
    const info = { ...INFO, subject: 'At {{slot}}', slots: { promotion: [{ title: 'cake', slot: 'noon' }] } };
    await app.sender.sendEmailMessage(info, [{ email: 'ann@home.example', data }], false);
    const { subject, html } = await rig.inbox.messages[0].parsed();
    return [subject, html];
  };

  it('is rendered where it is used, beside slots and in them, in its context', async () => {
    const letter =
      '{{slot}} {{{slot}}} {{#if slot}}yes{{/if}} {{#with day}}{{slot}}{{/with}} ' +
      '{{#slot "promotion"}}{{title}} at {{slot}}, {{../slot}}{{/slot}} {{#each times as |slot|}}[{{slot}}]{{/each}}';
    const data = { slot: '8 & 9', day: { slot: () => 'one' }, times: [1, 2] };
    expect(await shown(letter, data)).toEqual([
      'At 8 & 9',
      '8 &amp; 9 8 & 9 yes one cake at noon, 8 &amp; 9 [1][2]',
    ]);
  });

  it('is empty where it has no value, and ignores prototypes', async () => {
    const inherited = Object.create({ slot: 'inherited' }) as object;
    expect(await shown('[{{slot}}][{{#with day}}{{slot}}{{/with}}]', { day: inherited })).toEqual([
      'At',
      '[][]',
    ]);
  });
});
