import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as FaultModule from '../../libs/mailing/src/model/addresses/address-fault.js';
import type * as AddressModule from '../../libs/mailing/src/model/addresses/email-address.js';
import type * as RecipientModule from '../../libs/mailing/src/model/addresses/recipient-address.js';
import type * as TokensModule from '../../libs/mailing/src/model/options/unsubscribe.tokens.js';
import type * as HeadersModule from '../../libs/mailing/src/delivery/mime/header-lines.js';
import type * as RenderedModule from '../../libs/mailing/src/delivery/mime/rendered-email.check.js';
import type * as FrontMatterModule from '../../libs/mailing/src/delivery/templates/front-matter.js';
import type * as RepliesModule from '../../libs/mailing/src/delivery/smtp/reply.parser.js';
import type * as FailuresModule from '../../libs/mailing/src/delivery/transport/classify-failure.js';
import type * as PlainTextModule from '../../libs/mailing/src/delivery/templates/plain-text.writer.js';
import type * as EncoderModule from '../../libs/mailing/src/delivery/mime/line.cache.js';
import type * as LinesModule from '../../libs/mailing/src/delivery/mime/line-writers.js';
import type * as JournalModule from '../../libs/mailing/src/store/journal/journal.lines.js';
import type * as CsvModule from '../../src/newsletter/csv-recipients.js';

/** Foreign text of one shape, and the parser for it. */
export interface ParserCase {
  /** Parser and shape. The shape is one that is slow to parse, or the usual one. */
  name: string;
  /** Characters of the longer text; the shorter one is a tenth of it. If the parser has a limit, this is the limit. */
  characters: number;
  text: (characters: number) => string;
  /** Makes the measured call of a text; a call that throws is measured, too. */
  reading: (text: string) => Reading | Promise<Reading>;
}

export interface Reading {
  run: () => unknown;
  end?: () => Promise<void>;
}

/** From the build and not from the sources, because that is what hosts get. */
async function built<T>(path: string): Promise<T> {
  return (await import(new URL(`../../dist/${path}`, import.meta.url).href)) as T;
}

const address = await built<typeof AddressModule>('libs/mailing/src/model/addresses/email-address.js');
const fault = await built<typeof FaultModule>('libs/mailing/src/model/addresses/address-fault.js');
const recipient = await built<typeof RecipientModule>(
  'libs/mailing/src/model/addresses/recipient-address.js',
);
const tokens = await built<typeof TokensModule>('libs/mailing/src/model/options/unsubscribe.tokens.js');
const headers = await built<typeof HeadersModule>('libs/mailing/src/delivery/mime/header-lines.js');
const rendered = await built<typeof RenderedModule>('libs/mailing/src/delivery/mime/rendered-email.check.js');
const frontMatter = await built<typeof FrontMatterModule>(
  'libs/mailing/src/delivery/templates/front-matter.js',
);
const replies = await built<typeof RepliesModule>('libs/mailing/src/delivery/smtp/reply.parser.js');
const failures = await built<typeof FailuresModule>(
  'libs/mailing/src/delivery/transport/classify-failure.js',
);
const plainText = await built<typeof PlainTextModule>(
  'libs/mailing/src/delivery/templates/plain-text.writer.js',
);
const encoder = await built<typeof EncoderModule>('libs/mailing/src/delivery/mime/line.cache.js');
const lines = await built<typeof LinesModule>('libs/mailing/src/delivery/mime/line-writers.js');
const journal = await built<typeof JournalModule>('libs/mailing/src/store/journal/journal.lines.js');
const csv = await built<typeof CsvModule>('src/newsletter/csv-recipients.js');

const toText = plainText.plainTextWriter(plainText.DEFAULT_TEXT);
const signed = new tokens.UnsubscribeTokens('a secret of the bench, long enough');

/** A text of so many characters: the beginning, the unit again and again, the end. */
const repeated =
  (unit: string, begin = '', end = '') =>
  (characters: number): string =>
    begin +
    unit.repeat(Math.ceil(characters / unit.length)).slice(0, characters - begin.length - end.length) +
    end;

const numbered =
  (line: (n: number) => string) =>
  (characters: number): string => {
    let text = '';
    for (let n = 0; text.length < characters; n++) text += line(n);
    return text.slice(0, characters);
  };

function casesOf(
  parser: string,
  characters: number,
  run: (text: string) => unknown,
  shapes: Record<string, ParserCase['text']>,
): ParserCase[] {
  return Object.entries(shapes).map(([shape, text]) => ({
    name: `${parser}: ${shape}`,
    characters,
    text,
    reading: (all) => ({ run: () => run(all) }),
  }));
}

const WORDS = { 'one word': repeated('x'), 'not ASCII': repeated('ä'), words: repeated('word ') };

const PAGES = {
  paragraphs: repeated('<p>Dear reader,</p>\n'),
  links: repeated('<a href="https://shop.example/?a=b&amp;c=d">shop</a> '),
  'nested elements': repeated('<div>'),
  'nested tables': repeated('<table><tr><td>'),
  'elements of a picture': repeated('<svg>'),
  'cells without an end': repeated('<tr><td>x<td>y'),
  'ends without a beginning': repeated('</p></div>'),
  'a tag without an end': repeated('<a b="c'),
  entities: repeated('&nbsp;&#8364;'),
  'opening brackets': repeated('<'),
};

/** In chunks, as they come from a socket. */
const readingReplies =
  (size: number) =>
  (text: string): Reading => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < text.length; at += size)
      pieces.push(Buffer.from(text.slice(at, at + size), 'latin1'));
    const run = (): number => {
      const reader = new replies.ReplyParser();
      let count = 0;
      for (const piece of pieces) for (const { status } of reader.read(piece)) count += status;
      return count;
    };
    return { run };
  };

async function readingCsv(text: string): Promise<Reading> {
  const folder = await mkdtemp(join(tmpdir(), 'mailing-bench-csv-'));
  const path = join(folder, 'recipients.csv');
  await writeFile(path, text);
  const run = async (): Promise<number> => {
    let count = 0;
    for await (const { email } of csv.readCsvRecipients(path)) if (address.parseMailbox(email)) count++;
    return count;
  };
  return { run, end: () => rm(folder, { recursive: true }) };
}

/** The third message of a mailing, when the line cache has learned the common lines. */
function readingBody(text: string): Reading {
  const body = new encoder.LineCache(lines.asTheyAre(true));
  const messages = ['one\n', 'other\n', 'next\n'].map((begin) => Buffer.from(begin + text).toString());
  body.write(messages[0]);
  body.write(messages[1]);
  return { run: () => body.write(messages[2]) };
}

const withReading = (cases: ParserCase[], reading: ParserCase['reading']): ParserCase[] =>
  cases.map((one) => ({ ...one, reading }));

/** By their names on the command line. */
export const PARSERS: Record<string, ParserCase[]> = {
  mailbox: casesOf('mailbox', address.MAX_MAILBOX_TEXT, address.parseMailbox, {
    'a quote that is never closed': repeated('\\"', 'a "'),
    'a long name': repeated('a', '"', '" <ann@home.example>'),
    comments: repeated('('),
    'dots before the @': repeated('a.', '', '@home.example'),
    'white space': repeated(' \t', 'a', '<ann@home.example>'),
  }),
  recipient: casesOf(
    'recipient',
    address.MAX_MAILBOX_TEXT,
    (text) => recipient.parseRecipient(text) ?? fault.addressFault(text),
    {
      ...WORDS,
      'invisible characters': repeated('\u200b', '', 'ann@home.example;'),
      'invisible characters, inside': repeated('\u200b', 'a', 'n@home.example'),
      dots: repeated('.', 'a', '@home.example'),
      signs: repeated('@'),
      brackets: repeated('<'),
      quotes: repeated('\\"', 'a "'),
      labels: repeated('b.', 'ann@'),
    },
  ),
  mailboxes: casesOf('mailboxes', address.MAX_MAILBOX_LIST, address.parseMailboxes, {
    addresses: repeated('ann@home.example,'),
    names: repeated('"Ann, S" <ann@home.example>,'),
    quotes: repeated('\\"', 'a "'),
    groups: repeated(':a;'),
    brackets: repeated('<'),
  }),
  name: casesOf('display name', 4 * address.MAX_DISPLAY_NAME, address.toDisplayName, {
    ...WORDS,
    'line breaks': repeated(' \n'),
  }),
  subject: casesOf('subject', 10_000, (text) => headers.headerLine('Subject', rendered.toSubject(text)), {
    ...WORDS,
    'what looks encoded': repeated('=?utf-8?Q?x?= '),
    'what begins to look encoded': repeated('=?'),
  }),
  header: casesOf('name in a header', address.MAX_MAILBOX_TEXT, headerOfName, {
    ...WORDS,
    'what is escaped': repeated('"\\'),
  }),
  'front-matter': casesOf(
    'front matter',
    // With the line break before its end it has the maximum of characters.
    16_383,
    (yaml) => frontMatter.splitFrontMatter('letter.hbs', `---\n${yaml}\n---\n`),
    {
      keys: numbered((n) => `k${n}: x\n`),
      'keys in one line': numbered((n) => (n === 0 ? '{' : `k${n}: x, `)),
      'one key again and again': repeated('subject: x\n'),
      'a long text': repeated('word ', 'subject: '),
      'lists in lists': repeated('['),
      comments: repeated('# x\n'),
    },
  ),
  reply: [
    ...withReading(
      casesOf('reply in large pieces', 64 * 4_096, () => null, {
        'short lines': repeated('250 fine\r\n'),
        'long lines': repeated(`250 ${'x'.repeat(4_000)}\r\n`),
      }),
      readingReplies(16_384),
    ),
    ...withReading(
      casesOf('reply in small pieces', 64 * 4_096, () => null, {
        'short lines': repeated('250 fine\r\n'),
        'long lines': repeated(`250 ${'x'.repeat(4_000)}\r\n`),
      }),
      readingReplies(20),
    ),
    ...casesOf('what a reply means', 4_096, meaningOf, {
      'words of a rate': repeated('too many new concurrent '),
      'words of a limit': repeated('rate exceed '),
      lines: repeated('450-4.7.0 x\r\n'),
      spaces: repeated(' '),
    }),
  ],
  html: casesOf('text part', 200_000, toText, PAGES),
  csv: withReading(
    casesOf('csv', 500_000, () => null, {
      addresses: numbered((n) => (n === 0 ? 'email,name\n' : `reader${n}@home.example,Reader\n`)),
      'one cell of quotes': repeated('\\"', 'email\na "'),
      'one quoted cell of quotes': repeated('""', 'email\n"a ', '"'),
      'short lines': repeated('a\n', 'email\n'),
    }),
    readingCsv,
  ),
  token: casesOf('token', 2_000, (text) => signed.verify(text), {
    base64url: repeated('A', '1'),
    'what is none': repeated('=', '1'),
  }),
  // A tenth of the maximum. Beyond about 400 kB the result outgrows the young heap, and each line costs two to three times as
  // much, up to 4 MB and more: a step, not growth.
  journal: casesOf('journal', 100_000, journal.readLines, {
    'begun and sent': numbered(journalLine),
    'a line of digits': repeated('1', `${journalHead()}1 `, '\n'),
    'a line of facts': repeated('}', `${journalHead()}1 1 1 settled {`, '\n'),
  }),
  body: withReading(
    casesOf('lines of a body', 250_000, () => null, {
      'lines that differ': numbered((n) => `${createHash('sha256').update(String(n)).digest('hex')}\n`),
      'lines that are the same': repeated('<tr><td>x</td></tr>\n'),
      'long lines': repeated(`${'x'.repeat(10_000)}\n`),
    }),
    readingBody,
  ),
};

function headerOfName(name: string): string {
  return headers.headerLine('To', [{ name, address: 'ann@home.example' }]);
}

function meaningOf(response: string): unknown {
  return failures.classifyFailure(
    { command: 'RCPT TO', responseCode: 450, response: `450 ${response}` },
    'session',
  );
}

function journalHead(): string {
  const owner = { uniqServerId: 'a', incarnation: 'b', hostname: 'c', pid: 1, pidNamespace: 'd' };
  return `${journal.headerLine(owner)}${journal.claimLine(1, 'token')}`;
}

function journalLine(n: number): string {
  return n === 0 ? journalHead() : `1 ${n}\n1 ${n} 7 sent\n`;
}
