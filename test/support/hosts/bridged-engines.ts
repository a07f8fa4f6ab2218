import type { MailerOptions } from '@nestjs-modules/mailer';
import { EjsAdapter } from '@nestjs-modules/mailer/adapters/ejs.adapter';
import { HandlebarsAdapter } from '@nestjs-modules/mailer/adapters/handlebars.adapter';
import { LiquidAdapter } from '@nestjs-modules/mailer/adapters/liquid.adapter';
import { MjmlAdapter } from '@nestjs-modules/mailer/adapters/mjml.adapter';
import { NunjucksAdapter } from '@nestjs-modules/mailer/adapters/nunjucks.adapter';
import { PugAdapter } from '@nestjs-modules/mailer/adapters/pug.adapter';

/** An engine that the mailer has an adapter for, with its cache on. */
export interface BridgedEngine {
  name: string;
  extension: string;
  adapter: () => NonNullable<MailerOptions['template']>['adapter'];
  /** A template in this engine's language: a greeting, then the fields of these names, each in brackets. */
  letter: (greeting: string, fields: string[]) => string;
  /** A template that does not compile, or throws for each recipient. */
  broken: string;
}

const PLAIN = { inlineCssEnabled: false };

const inMjml = (text: string): string =>
  `<mjml><mj-body><mj-section><mj-column><mj-text>${text}</mj-text></mj-column></mj-section></mj-body></mjml>`;

const mustache = (greeting: string, fields: string[]): string =>
  `<p>${greeting} {{name}} ${fields.map((field) => `[{{${field}}}]`).join('')}</p>`;

const ejs = (greeting: string, fields: string[]): string =>
  `<p>${greeting} <%= name %> ${fields.map((field) => `[<%= locals.${field} %>]`).join('')}</p>`;

export const BRIDGED_ENGINES: BridgedEngine[] = [
  {
    name: 'pug',
    extension: '.pug',
    adapter: () => new PugAdapter(PLAIN),
    letter: (greeting, fields) =>
      `p ${greeting} #{name} ${fields.map((field) => `[#{locals.${field}}]`).join('')}`,
    broken: 'p(',
  },
  {
    name: 'ejs',
    extension: '.ejs',
    adapter: () => new EjsAdapter(PLAIN),
    letter: ejs,
    broken: '<p><% if (</p>',
  },
  {
    name: 'handlebars',
    extension: '.hbs',
    adapter: () => new HandlebarsAdapter(undefined, PLAIN),
    letter: mustache,
    broken: '{{#if}',
  },
  {
    name: 'nunjucks',
    extension: '.njk',
    adapter: () => new NunjucksAdapter(PLAIN),
    letter: mustache,
    broken: '{% if %}',
  },
  {
    name: 'liquid',
    extension: '.liquid',
    adapter: () => new LiquidAdapter({ globals: { cache: true } } as never),
    letter: mustache,
    broken: '{% if %}',
  },
  {
    name: 'mjml over pug',
    extension: '.pug',
    adapter: () => new MjmlAdapter('pug', PLAIN),
    letter: (greeting, fields) =>
      `mjml: mj-body: mj-section: mj-column: mj-text ${greeting} #{name} ${fields.map((field) => `[#{locals.${field}}]`).join('')}`,
    broken: 'mjml(',
  },
  {
    name: 'mjml over ejs',
    extension: '.ejs',
    adapter: () => new MjmlAdapter('ejs', PLAIN),
    letter: (greeting, fields) => inMjml(ejs(greeting, fields)),
    broken: '<mjml><% if (</mjml>',
  },
  {
    name: 'mjml over handlebars',
    extension: '.hbs',
    adapter: () => new MjmlAdapter('handlebars', PLAIN),
    letter: (greeting, fields) => inMjml(mustache(greeting, fields)),
    broken: '<mjml>{{#if}</mjml>',
  },
];
