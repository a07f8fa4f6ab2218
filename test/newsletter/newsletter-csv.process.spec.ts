import { describe, expect, it } from 'vitest';
import { NewsletterRig } from '../support/hosts/newsletter-rig.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';

const LETTER = {
  subject: 'Hi {{name}} of {{city}}',
  from: 'news@shop.example',
  headline: 'Sun',
  text: 'Peaches.',
};

const MARK = '\uFEFF';
const windows1252 = (text: string): Buffer => Buffer.from(text, 'latin1');
const utf16 = (text: string): Buffer => Buffer.from(MARK + text, 'utf16le');
/** Longer than a chunk of a stream, so that characters are cut between two chunks. */
const LONG = '🌻ü'.repeat(30_000);
const inRows = (text: string): string =>
  Array.from({ length: 40 }, (_, n) => `row${n}@home.example,x,${text.slice(3 * n, 3 * n + 9_000)}\n`).join(
    '',
  );

describe('a CSV file given to the newsletter service', () => {
  const rig = NewsletterRig.forAllTests();

  function upload(file: string | Buffer): Promise<{ status: number; answer: Record<string, unknown> }> {
    rig.inbox.messages.splice(0);
    const form = new FormData();
    for (const [field, value] of Object.entries(LETTER)) form.set(field, value);
    form.set('recipients', new Blob([new Uint8Array(Buffer.from(file))]), 'recipients.csv');
    return rig.service.post(form);
  }

  /** Subjects by envelope recipient. */
  async function subjectsOf(file: string | Buffer): Promise<Record<string, string | undefined>> {
    const { status, answer } = await upload(file);
    expect({ status, answer }).toMatchObject({ status: 202 });
    await rig.service.completed(String(answer.id));
    const all = rig.inbox.messages.map(async (message) => [message.to[0], (await message.parsed()).subject]);
    return Object.fromEntries(await Promise.all(all)) as Record<string, string | undefined>;
  }

  const TWO = {
    'ann@home.example': 'Hi Müller of Graz',
    'bob@home.example': 'Hi Łukasz, Jr. of Łódź',
  };

  it.each<[string, string | Buffer]>([
    ['commas', 'email,name,city\nann@home.example,Müller,Graz\nbob@home.example,"Łukasz, Jr.",Łódź\n'],
    [
      'semicolons',
      'email;name;city\r\nann@home.example;Müller;Graz\r\nbob@home.example;Łukasz, Jr.; Łódź\r\n',
    ],
    [
      'tabs',
      'city\temail\tmore\tname\nGraz\tann@home.example\t\tMüller\nŁódź\tbob@home.example\ta;b,c\tŁukasz, Jr.',
    ],
    [
      'semicolons, and commas in quotes of the header',
      '"a, b, c";email;name;city\n1;ann@home.example;Müller;Graz\n2;bob@home.example;Łukasz, Jr.;Łódź\n',
    ],
    [
      'empty lines before the header, and line breaks of an old Mac',
      '\r\remail;name;city\rann@home.example;Müller;Graz\rbob@home.example;Łukasz, Jr.;Łódź',
    ],
    [
      'UTF-8 with a byte order mark',
      `${MARK}email;name;city\nann@home.example;Müller;Graz\nbob@home.example;Łukasz, Jr.;Łódź\n`,
    ],
    [
      'UTF-16',
      utf16('email\tname\tcity\r\nann@home.example\tMüller\tGraz\r\nbob@home.example\tŁukasz, Jr.\tŁódź\r\n'),
    ],
    [
      'UTF-16, big-endian',
      utf16('email;name;city\nann@home.example;Müller;Graz\nbob@home.example;Łukasz, Jr.;Łódź\n').swap16(),
    ],
  ])('is parsed with %s', async (_, file) => {
    expect(await subjectsOf(file)).toEqual(TWO);
  });

  it.each([
    'E-Mail',
    'e-mail',
    'EMAIL',
    'Email Address',
    'e-mail address',
    'email_address',
    'Mail',
    'E-Mail-Adresse',
    ' Emailadresse ',
  ])('may name its address column "%s"', async (header) => {
    const subjects = await subjectsOf(`Full Name;${header};city\nAnn;ann@home.example;Graz\n`);
    expect(subjects).toEqual({ 'ann@home.example': 'Hi Ann of Graz' });
  });

  it('may have addresses in pasted formats', async () => {
    const cells = [
      'ann@home.example;',
      'mailto:bob@home.example',
      '<eve@home.example>,',
      '\u200bzoe@home.example\u00a0',
    ];
    const subjects = await subjectsOf(`email\tname\n${cells.map((cell) => `${cell}\tX\n`).join('')}`);
    const names = ['ann', 'bob', 'eve', 'zoe'];
    expect(Object.keys(subjects).sort()).toEqual(names.map((name) => `${name}@home.example`));
  });

  it('prefers the exact column name to other spellings', async () => {
    const file = 'Mail;email;Display Name;name;city\nx;ann@home.example;y;Ann;Graz\n';
    expect(await subjectsOf(file)).toEqual({ 'ann@home.example': 'Hi Ann of Graz' });
  });

  it.each<[string, (text: string) => string | Buffer]>([
    ['UTF-8', (text) => text],
    ['UTF-16', utf16],
    ['UTF-16, big-endian', (text) => utf16(text).swap16()],
  ])('keeps characters that are cut between two chunks of %s', async (_, encoded) => {
    // One more character before them shifts each cut.
    for (const shift of ['', 'a', 'ab', 'abc']) {
      const file = encoded(`email,name,city\nfirst@home.example,${shift},Graz\n${inRows(LONG)}`);
      const subjects = await subjectsOf(file);
      expect(Object.keys(subjects)).toHaveLength(41);
      expect(Object.values(subjects).join('').includes('\uFFFD')).toBe(false);
    }
  });

  it.each<[string, string | Buffer, number, string]>([
    [
      'windows-1252',
      windows1252('email;name\nann@home.example;Ann\nbob@home.example;Müller\n'),
      3,
      'not UTF-8',
    ],
    [
      'windows-1252 with line breaks of Windows',
      windows1252('email;name\r\nann@home.example;Ann\r\nbob@home.example;Müller\r\n'),
      3,
      'not UTF-8',
    ],
    ['windows-1252 in the header', windows1252('email;Größe\nann@home.example;1\n'), 1, 'not UTF-8'],
    [
      'windows-1252 far below',
      windows1252(`email;name\r\n${'ann@home.example;Ann\r\n'.repeat(20_000)}bob@home.example;Müller`),
      20_002,
      'not UTF-8',
    ],
    [
      'half a character at its end',
      Buffer.from('email\nann@home.example\nü').subarray(0, -1),
      3,
      'not UTF-8',
    ],
    ['UTF-16 without a mark', Buffer.from('email\nann@home.example\n', 'utf16le'), 1, 'a NUL character'],
    [
      'half a surrogate of UTF-16',
      Buffer.concat([
        utf16('email;name\nann@home.example;ਊ\nbob@home.example;'),
        Buffer.from([0x3d, 0xd8, 0x0a, 0]),
      ]),
      3,
      'not UTF-16',
    ],
    [
      'half a character of UTF-16 at its end',
      utf16('email\nann@home.example\n').subarray(0, -1),
      2,
      'not UTF-16',
    ],
    ['no column for addresses', 'address;name\nann@home.example;Ann\n', 1, 'no column for addresses'],
    ['none behind empty lines', '\n\r\naddress\n', 3, 'no column for addresses'],
    [
      'two columns that may be addresses',
      'E-Mail;Mail\na@home.example;b@home.example\n',
      1,
      '2 columns that may be email',
    ],
    [
      'two columns of one name',
      'email;email\na@home.example;b@home.example\n',
      1,
      '2 columns that may be email',
    ],
    [
      'a quote that is never closed',
      `email;name\nann@home.example;"A\nB"\nbob@home.example;"Bob\n${'eve@home.example;Eve\n'.repeat(9)}`,
      4,
      'does not end',
    ],
  ])('is refused for %s, with its line', async (_, file, line, words) => {
    const { status, answer } = await upload(file);
    expect({ status, answer }).toMatchObject({ status: 400, answer: { code: 'MAILING_LIST_INCOMPLETE' } });
    expect(answer.message).toContain(`The CSV file, line ${line}: `);
    expect(answer.message).toContain(words);
    expect(String(answer.message).includes('Save the file as UTF-8')).toBe(/not UTF|NUL/.test(words));
    expect(JSON.stringify(answer)).not.toContain('home.example');
    expect(rig.inbox.messages).toEqual([]);
  });

  it('names the line of a row beyond the limit', async () => {
    const few = await NewsletterService.start({
      databaseUrl: rig.database.url,
      smtpUrl: rig.inbox.url,
      serverId: 'test:2',
      env: { NEWSLETTER_MAX_UPLOAD_ROWS: '2' },
    });
    try {
      const form = new FormData();
      for (const [field, value] of Object.entries(LETTER)) form.set(field, value);
      form.set(
        'recipients',
        new Blob(['email\n\na@home.example\nb@home.example\n\nc@home.example\n']),
        'x.csv',
      );
      const { status, answer } = await few.post(form);
      expect(status).toBe(400);
      expect(answer.message).toContain('line 6: the file has more than 2 rows');
    } finally {
      await few.stop();
    }
  });
});
