import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NewsletterRig } from '../support/hosts/newsletter-rig.js';
import type { NewsletterService } from '../support/hosts/newsletter-service.js';

const LETTER = { subject: 'Hi {{name}}', from: 'news@shop.example', headline: 'Sun', text: 'Peaches.' };
const TEMPLATE = join(import.meta.dirname, '../../dist/src/newsletter/templates/newsletter.hbs');

describe('an error of the newsletter service', () => {
  const rig = NewsletterRig.forAllTests();

  const send = (letter: object = {}): ReturnType<NewsletterService['post']> =>
    rig.service.post(JSON.stringify({ ...LETTER, recipients: ['ann@home.example'], ...letter }));

  async function without<T>(table: string, ask: () => Promise<T>): Promise<T> {
    await rig.database.dataSource.query(`ALTER TABLE ${table} RENAME TO away`);
    try {
      return await ask();
    } finally {
      await rig.database.dataSource.query(`ALTER TABLE away RENAME TO ${table}`);
    }
  }

  it('of the database during a list is answered with 500 without its text', async () => {
    const { status, answer } = await without('dps_email_address', () => send());
    expect(status).toBe(500);
    expect(answer).toEqual({
      statusCode: 500,
      code: 'MAILING_LIST_INCOMPLETE',
      message: 'Internal server error',
      mailingId: expect.any(String),
    });
    expect(rig.service.output).toContain('no such table');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a new newsletter', () => send()],
    ['the state of one', () => rig.service.get('nothing')],
    ['a command', () => rig.service.order('nothing', 'pause')],
    ['its recipients', () => rig.service.recipients('nothing')],
  ])('of the database is answered with 500 without its text, on a request for %s', async (_, ask) => {
    const answer = JSON.stringify(await without('dps_mailing', ask));
    expect(answer).toContain('Internal server error');
    expect(answer).toContain('500');
    expect(answer).not.toMatch(/dps_|SQL|table/i);
  });

  it('of its own templates is answered with 500 without their path', async () => {
    await rename(TEMPLATE, `${TEMPLATE}.away`);
    try {
      expect(await send()).toEqual({
        status: 500,
        answer: { statusCode: 500, code: 'MAILING_TEMPLATE_MISSING', message: 'Internal server error' },
      });
    } finally {
      await rename(`${TEMPLATE}.away`, TEMPLATE);
    }
  });

  it('of a request is answered with 400 and the reason', async () => {
    expect(await send({ subject: '{{#if}' })).toMatchObject({
      status: 400,
      answer: { code: 'MAILING_TEMPLATE_NOT_COMPILING', message: expect.stringContaining('"subject"') },
    });
    expect(await send({ from: 'nobody' })).toMatchObject({
      status: 400,
      answer: { message: expect.stringContaining('info.from') },
    });
    expect(await rig.service.order('x'.repeat(300), 'pause')).toMatchObject({
      status: 400,
      answer: { code: 'MAILING_ARGUMENT_INVALID' },
    });
  });
});
