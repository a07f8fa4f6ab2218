import { describe, expect, it } from 'vitest';
import { TemplateContext } from '../../libs/mailing/src/delivery/handlebars/template-context.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };

describe('TemplateContext', () => {
  it('contains params, over them the data of the recipient, and over both the fields of the plugin', () => {
    const context = new TemplateContext('0197', { ...INFO, params: { city: 'Rome', text: 'news' } });
    const own = { city: 'Oslo', mailingId: 'mine' };
    expect(context.of(own)).toEqual({ city: 'Oslo', text: 'news', mailingId: '0197' });
    expect(own).toEqual({ city: 'Oslo', mailingId: 'mine' });
  });

  it('has no prototype from the data of a recipient', () => {
    const context = new TemplateContext('0197', INFO);
    const shown = context.of(
      JSON.parse('{"name": "Ann", "__proto__": {"isAdmin": true}}') as object as never,
    );
    expect(Object.getPrototypeOf(shown)).toBe(Object.prototype);
    expect(shown.isAdmin).toBeUndefined();
    expect(shown.name).toBe('Ann');
  });
});
