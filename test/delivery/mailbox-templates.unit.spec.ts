import { describe, expect, it } from 'vitest';
import { mailboxTemplates } from '../../libs/mailing/src/delivery/templates/mailbox-templates.js';

describe('mailboxTemplates', () => {
  it.each([
    ['a@b.example, c@d.example', 2],
    ['"A, (b" <a@b.example>, c@d.example', 2],
    ['a@b.example (one, two), c@d.example', 2],
    ['a@b.example (one, {{two}}, three), c@d.example', 2],
    ['a@b.example (one, (two, 3), four), c@d.example', 2],
    ['a@b.example (one \\), two), c@d.example', 2],
    ['a@b.example (one ", two), c@d.example', 2],
    ['a@b.example :), c@d.example', 2],
    ['"A \\", {{b}}" <a@b.example>, {{c}}, d@e.example', 3],
  ])('splits %j into %i mailboxes', (source, count) => {
    expect(mailboxTemplates(source)).toHaveLength(count);
  });
});
