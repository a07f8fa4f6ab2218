import fc from 'fast-check';
import type { Recipient } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';

const COUNT = 10_000;
const LANES = 8;
const TEMPLATES = {
  'letter.hbs': '<p>[{{email}}|{{code}}|{{note}}] {{> sign}}</p>{{#*inline "sign"}}({{code}}){{/inline}}',
  'letter.fr.hbs': '<p>[{{email}}|{{code}}|{{note}}] (fr {{code}})</p>',
};

describe('C18 isolation of recipients', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it(`body, headers and envelope of ${COUNT} messages from ${LANES} threads belong to the same recipient`, async () => {
    // Some recipients have a value where the next has none, so that a value left over in a thread would show.
    const variation = fc.record({
      note: fc.option(fc.nat(9_999), { nil: undefined }),
      fr: fc.boolean(),
    });
    const own = fc.sample(variation, COUNT);
    const recipients = own.map(({ note, fr }, n): Recipient => {
      const data = { code: `code-${n}`, ...(note !== undefined && { note }), ...(fr && { locale: 'fr-CA' }) };
      return { email: `reader${n}@home.example`, name: `Reader ${n}`, data };
    });
    const app = await rig.boot(
      { ...TAKES_BATCHES, batch: { pollIntervalMs: 50, numBatchThreads: LANES }, run: { concurrency: 2 } },
      { templates: TEMPLATES },
    );
    const info = { subject: '{{code}} for {{name}}', batchSize: 250, params: { note: 'none' } };
    const before = structuredClone(info);
    const mailingId = await sendBatched(app, recipients, info);
    await rig.reached(mailingId, 'completed', 240_000);
    expect(info).toEqual(before);
    expect(rig.inbox.messages).toHaveLength(COUNT);
    expect(new Set(rig.inbox.messages.map(({ to }) => to[0])).size).toBe(COUNT);
    for (const message of rig.inbox.messages) {
      const n = Number(/^reader(\d+)@/.exec(message.to[0])?.[1]);
      const { note = 'none', fr } = own[n];
      const text = message.raw.toString();
      expect(message.to).toEqual([`reader${n}@home.example`]);
      expect(message.header('To')).toBe(`Reader ${n} <reader${n}@home.example>`);
      expect(message.header('Subject')).toBe(`code-${n} for Reader ${n}`);
      const shown = `[reader${n}@home.example|code-${n}|${note}] (${fr ? 'fr ' : ''}code-${n})`;
      expect(text.split(shown).length - 1).toBe(2);
    }
  }, 300_000);
});
