import Handlebars from 'handlebars';
import { describe, expect, it } from 'vitest';
import { withSlotBlock } from '../../libs/mailing/src/delivery/handlebars/slot.block.js';
import { slotsShownBy } from '../../libs/mailing/src/delivery/handlebars/slot.finder.js';
import { SlotNameNotLiteralError } from '../../libs/mailing/src/model/mail/slot.errors.js';

describe('slotsShownBy', () => {
  const engine = withSlotBlock(Handlebars.create());
  engine.registerPartial({
    footer: '{{#slot "footer"}}x{{/slot}}{{> inner}}',
    inner: '{{#slot "inner"}}x{{/slot}}{{> footer}}',
    other: '{{slot "other"}}',
  });
  const slots = (letter: string): string[] => slotsShownBy(engine, { letter }).map(({ slot }) => slot);

  it.each([
    ['none', '{{name}} slot', []],
    ['a block, once', '{{#slot "a"}}{{/slot}}{{#slot "a"}}{{/slot}}', ['a']],
    [
      'in blocks and else-branches',
      '{{#if x}}{{#slot "a"}}{{/slot}}{{else}}{{#slot "b"}}{{/slot}}{{/if}}',
      ['a', 'b'],
    ],
    ['in each other', '{{#slot "a"}}{{#slot "b"}}{{/slot}}{{else}}{{slot "c"}}{{/slot}}', ['a', 'b', 'c']],
    ['as an expression', '{{#each (slot "a")}}{{/each}}{{#if (eq (slot "b") 1)}}{{/if}}', ['a', 'b']],
    ['in partials that include each other', '{{> footer}}', ['footer', 'inner']],
    ['around a partial', '{{#> nothing}}{{#slot "a"}}{{/slot}}{{/nothing}}', ['a']],
    ['in an inline partial', '{{#*inline "mine"}}{{#slot "a"}}{{/slot}}{{/inline}}{{> mine}}', ['a']],
    ['in any partial where its name is computed', '{{> (lookup . "part")}}', ['footer', 'inner', 'other']],
    ['in no variable of that name', '{{slot}} {{{slot}}} {{slot.title}} {{#if slot}}{{/if}}', []],
    ['nowhere that is parsed', '{{#slot "a"}}', []],
  ])('finds slots: %s', (_, letter, expected) => {
    expect(slots(letter)).toEqual(expected);
  });

  it('reports template and line of a name that is not a literal', () => {
    const look = (): unknown => slotsShownBy(engine, { 'letter.hbs': '\n{{#slot promotion.name}}{{/slot}}' });
    expect(look).toThrow(SlotNameNotLiteralError);
    expect(look).toThrow('letter.hbs" shows a slot in line 2');
  });

  it.each(['{{#slot}}{{/slot}}', '{{#if (slot)}}{{/if}}', '{{slot size=1}}', '{{slot size}}'])(
    'refuses %s as a slot without a name',
    (letter) => {
      expect(() => slots(letter)).toThrow(SlotNameNotLiteralError);
    },
  );
});
