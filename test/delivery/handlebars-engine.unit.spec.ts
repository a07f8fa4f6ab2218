import Handlebars from 'handlebars';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../libs/mailing/src/delivery/handlebars/handlebars.engine.js';

/** Like decimals, money and dates of libraries. */
class Money {
  constructor(private readonly cents: number) {}

  toString(): string {
    return `${(this.cents / 100).toFixed(2)} €`;
  }
}

const HELPERS = {
  shout: (text: unknown) => String(text).toUpperCase(),
  same: (text: unknown) => text,
  bold: (text: string) => new Handlebars.SafeString(`<b>${Handlebars.escapeExpression(text)}</b>`),
  pair: () => ['a', 'b'],
  twice(this: unknown, options: Handlebars.HelperOptions) {
    return options.fn(this) + options.fn(this);
  },
  nothing: () => undefined,
  sum: (...numbers: unknown[]) => (numbers.slice(0, -1) as number[]).reduce((a, b) => a + b, 0),
  hashed: ({ hash }: Handlebars.HelperOptions) => Object.entries(hash as object).join(';'),
  helperMissing: (...parameters: unknown[]) =>
    parameters.length === 1 ? undefined : `no ${(parameters.at(-1) as { name: string }).name}`,
};

const VARIABLES = {
  name: 'Ann & Bob',
  no: false,
  yes: true,
  zero: 0,
  big: 12n,
  empty: '',
  gone: null,
  list: [1, 2, 'three'],
  rows: [{ title: 'x', tags: ['p', 'q'] }, { title: '<y>' }],
  customer: { name: 'Cleo', address: { town: 'Graz' } },
  price: new Money(1_250),
  safe: new Handlebars.SafeString('<i>safe</i>'),
  day: new Date('2026-01-31T12:00:00Z'),
  site: new URL('https://shop.example/?a=1&b=2'),
  words: () => 'from a function',
  noWords: () => null,
  literal: '[object Object]',
  map: new Map([['k', 'v']]),
};

const TEMPLATES = [
  'plain text',
  '',
  '{{name}}',
  '{{{name}}}',
  '{{&name}}',
  '{{name}}{{{name}}} and {{no}}{{yes}}{{zero}}{{big}}{{empty}}{{gone}}{{missing}}',
  '{{list}} {{price}} {{{price}}} {{safe}} {{{safe}}} {{day}} {{site}} {{{site}}}',
  '{{words}} {{this.words}} {{noWords}} {{customer.name}} {{customer.address.town}} {{customer.no.thing}}',
  '{{#each rows}}{{@index}}{{title}}{{#each tags}}[{{this}} of {{../title}} {{@../index}}]{{/each}}{{else}}none{{/each}}',
  '{{#each map as |value key|}}{{key}}={{value}}{{/each}}{{#each list as |one|}}{{one}},{{/each}}',
  '{{#if yes}}{{name}}{{else}}no{{/if}}{{#unless no}}x{{/unless}}{{#with customer}}{{name}} {{address.town}}{{/with}}',
  '{{#customer}}{{name}}{{/customer}}{{#list}}{{this}}{{/list}}{{#no}}x{{/no}}{{^gone}}inverse{{/gone}}{{#words}}{{.}}{{/words}}',
  '{{shout name}} {{shout (shout name)}} {{bold name}} {{{bold name}}} {{pair}} {{nothing}} {{sum 1 2 zero}} {{hashed a=1 b=name}}',
  '{{#twice}}{{name}}|{{/twice}}{{#if (sum 0 1)}}{{sum 1 1}}{{/if}} {{lookup customer "name"}} {{lookup list 1}}',
  '{{> card}} {{> card customer}} {{> (lookup names 0)}} {{#> layout}}{{name}}{{/layout}}',
  '  {{> card}}\n  {{#> layout}}\n  inner {{name}}\n  {{/layout}}\n',
  '{{#*inline "own"}}<{{name}}>{{/inline}}{{> own}}{{> own customer}}',
  '{{same literal}} {{{same literal}}} {{shout (same literal)}} {{hashed a=literal}} {{#if (same literal)}}x{{/if}}',
  '{{literal}} {{shout literal}} {{unknown}} {{unknown 1}} {{"name"}} {{"no such"}} {{5}} {{true}}',
  '{{#with rows.[0] as |row|}}{{row.title}}{{#each row.tags}}{{this}}{{row.title}}{{/each}}{{/with}}',
  '{{~name~}}  {{!-- comment --}} {{{{raw}}}}{{name}}{{{{/raw}}}}',
];
const PARTIALS = { card: 'Card {{name}} {{{price}}}', layout: '[{{> @partial-block}} {{price}}]' };

/** The output of both engines for the same input. */
function both(source: string, noEscape: boolean): [string, string] {
  const raw = { raw: (options: Handlebars.HelperOptions) => options.fn({}) };
  const ours = createEngine({ ...HELPERS, ...raw }, false);
  const theirs = Handlebars.create();
  theirs.registerHelper({ ...HELPERS, ...raw });
  const variables = { ...VARIABLES, names: ['card'] };
  return [theirs, ours].map((engine) => {
    engine.registerPartial(PARTIALS);
    const template = engine.compile(source, { noEscape });
    // Twice, because a compiled template is used for each recipient.
    return template(variables) + template(variables);
  }) as [string, string];
}

describe('HandlebarsEngine', () => {
  it.each(TEMPLATES)('prints what Handlebars prints: %s', (source) => {
    for (const noEscape of [false, true]) {
      const [theirs, ours] = both(source, noEscape);
      expect(ours).toBe(theirs);
    }
  });

  const promise = (): Promise<never> => Promise.reject(new Error('late'));
  const bare = Object.assign(Object.create(null) as object, { a: 1 });

  it.each<[string, () => Record<string, unknown>, string]>([
    ['{{customer}}', () => ({ customer: { name: 'Ann' } }), '{{customer}}: expected a text, got an object'],
    ['{{{customer}}}', () => ({ customer: { name: 'Ann' } }), 'which would print as [object Object]'],
    ['{{this.customer}}', () => ({ customer: {} }), '{{this.customer}}'],
    [
      '{{#each rows}}{{this}}{{/each}}',
      () => ({ rows: [{ a: 1 }] }),
      '{{this}}: expected a text, got an object',
    ],
    ['{{#each rows as |row|}}{{row}}{{/each}}', () => ({ rows: [{ a: 1 }] }), '{{row}}'],
    ['{{@root}}', () => ({}), '{{@root}}'],
    [
      '{{rows}}',
      () => ({ rows: [{ a: 1 }, { b: 2 }] }),
      'got an array, which would print as [object Object]',
    ],
    ['{{rows}}', () => ({ rows: [1, [{ b: 2 }]] }), 'got an array'],
    ['{{map}}', () => ({ map: new Map() }), '[object Map]'],
    ['{{bare}}', () => ({ bare }), "that can't be made a text"],
    ['{{mark}}', () => ({ mark: Symbol('x') }), 'a symbol'],
    ['{{f}}', () => ({ f: () => () => 'x' }), '{{f}}: expected a text, got a function'],
    [
      '{{late}}',
      () => ({ late: promise() }),
      '{{late}}: expected a value that is there at once, got a promise',
    ],
    ['{{late.name}}', () => ({ late: promise() }), 'what name is read from: expected a value'],
    ['{{#late}}x{{/late}}', () => ({ late: promise() }), '{{#late}}: expected a value'],
    ['{{#if late}}x{{/if}}', () => ({ late: promise() }), 'a parameter of helper if: expected a value'],
    ['{{#each late}}x{{else}}none{{/each}}', () => ({ late: promise() }), 'a parameter of helper each'],
    ['{{lookup late "name"}}', () => ({ late: promise() }), 'a parameter of helper lookup'],
    ['{{f}}', () => ({ f: promise }), '{{f}}: expected a value that is there at once, got a promise'],
    ['{{fetch}}', () => ({}), 'helper fetch: expected a value that is there at once, got a promise'],
    ['{{fetch 1 a=2}}', () => ({}), 'helper fetch'],
    ['{{#fetch}}x{{/fetch}}', () => ({}), 'helper fetch'],
    ['{{#if (fetch)}}x{{/if}}', () => ({}), 'helper fetch'],
    ['{{shout (fetch)}}', () => ({}), 'helper fetch'],
    ['{{show a=late}}', () => ({ late: promise() }), 'a parameter of helper show'],
    ['{{record}}', () => ({}), '{{record}}: expected a text, got an object'],
    [
      '{{greet customer}}',
      () => ({ customer: {} }),
      'helper greet: expected a text, got one with [object Object] in it',
    ],
    ['{{greetLater}}', () => ({}), '[object Promise] in it'],
    ['{{safe}}', () => ({}), 'which would print as [object Promise]'],
    ['{{> card}}', () => ({ customer: {} }), '{{customer}}'],
  ])('refuses %s', (source, variablesOf, sentence) => {
    for (const noEscape of [false, true]) {
      const engine = createEngine(
        {
          fetch: promise,
          shout: HELPERS.shout,
          show: () => 'x',
          record: () => ({ a: 1 }),
          greet: (who: unknown) => `Dear ${String(who)}`,
          greetLater: () => 'Dear [object Promise]',
          safe: () => new Handlebars.SafeString(Promise.resolve() as never),
        },
        false,
      );
      engine.registerPartial('card', '<p>{{customer}}</p>');
      const template = engine.compile(source, { noEscape });
      expect(() => template(variablesOf())).toThrow(sentence);
    }
  });
});
