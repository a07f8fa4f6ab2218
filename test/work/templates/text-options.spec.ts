import { TemplateEmailPreview, type TextOptions } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';

const LETTER = '<nav>Home</nav><ul><li>Peaches for {{name}}</li></ul><footer>Bye</footer>';
const LATER = new Date(Date.now() + 3_600_000);

forEachDatabase('text options', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const templates = { 'letter.hbs': LETTER };

  const booted = (templateOptions: object) => rig.boot({}, { templates, templateOptions });

  async function texts(): Promise<string[]> {
    return Promise.all(rig.inbox.messages.map(async (one) => (await one.parsed()).text?.trimEnd() ?? ''));
  }

  it('of a mailing hold for it alone, and what they leave out is as in the module', async () => {
    const { sender } = await booted({ text: { liChar: '+', indentWidth: 3 } });
    await sender.sendEmailMessage({ ...INFO, text: { dropTags: ['NAV', 'footer'] } }, people(1), false, true);
    await sender.sendEmailMessage({ ...INFO, text: { liChar: '#' } }, people(1), false);
    await sender.sendEmailMessage(INFO, people(1), false);
    expect(await texts()).toEqual([
      '   + Peaches for',
      'Home\n   # Peaches for\n\nBye',
      'Home\n   + Peaches for\n\nBye',
    ]);
  });

  it('stay those of the mailing after a restart with other options', async () => {
    const before = await booted({ text: { liChar: '+' } });
    const own = { ...INFO, text: { dropTags: ['nav', 'footer'] } };
    const later = { persist: true, sendAt: LATER };
    const { mailingId } = await before.sender.sendEmailMessage(own, people(1), later);
    const other = await before.sender.sendEmailMessage(INFO, people(1), later);
    await before.close();
    await booted({ text: { liChar: '#', indentWidth: 5, dropTags: ['ul', 'nav'] } });
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    await rig.reached(mailingId as string, 'completed');
    await rig.reached(other.mailingId as string, 'completed');
    expect((await texts()).sort()).toEqual([' + Peaches for', 'Bye']);
  });

  it('a converter of the host makes the text, and a fault of it costs its recipient only', async () => {
    const app = await booted({
      textConverter: (html: string, { liChar }: TextOptions) => {
        if (html.includes('Odd')) throw new Error('too odd');
        return `${liChar} ${/Peaches for \w*/.exec(html)?.[0]}`;
      },
    });
    const list = ['Ann', 'Odd', 'Cy'].map((name) => ({ email: `${name}@home.example`, name }));
    const info = { ...INFO, text: { liChar: '#' } };
    const { completed, mailingId } = await app.sender.sendEmailMessage(info, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 2, numErrors: 1 });
    const { recipients } = await rig.progress(mailingId as string);
    expect(recipients[1]).toMatchObject({ errorCode: 'template', errorText: 'too odd' });
    expect((await texts()).sort()).toEqual(['# Peaches for Ann', '# Peaches for Cy']);
    const { text } = await app.nest.get(TemplateEmailPreview).preview(info, list[0]);
    expect(text).toBe('# Peaches for Ann');
  });

  it.each<[object, string, string]>([
    [{ lineWidth: 5 }, 'text.lineWidth', 'a whole number from 20'],
    [{ width: 5 }, 'text.width', 'absent, because the options here are lineWidth'],
    [{ dropTags: 'nav' }, 'text.dropTags', 'an array of at most 50'],
    [{ dropTags: ['nav', 'body'] }, 'text.dropTags[1]', 'the name of an element, other than html and body'],
    [{ dropTags: ['<nav>'] }, 'text.dropTags[0]', 'the name of an element'],
  ])('refuses %j before anything is written', async (text, field, expected) => {
    const { sender, query } = await booted({});
    const sending = sender.sendEmailMessage({ ...INFO, text }, people(1), { persist: true });
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_FIELD_INVALID', field });
    await expect(sending).rejects.toThrow(expected);
    expect(await query.list()).toEqual([]);
  });
});
