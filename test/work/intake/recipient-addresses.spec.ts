import {
  type MailingModuleOptions,
  MailingSuppressions,
  type Recipient,
  type SuppressionList,
  TemplateEmailPreview,
} from 'nestjs-mailing';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { ScriptedSmtpServer, takesAll } from '../../support/network/scripted-smtp.server.js';

const ANN = 'ann@home.example';

/** As they are copied from other programs. */
const SPELLINGS = [
  'ann@home.example;',
  'ann@home.example ,',
  '<ann@home.example>,',
  'mailto:ann@home.example',
  'MailTo: ann@home.example;',
  'Ann <mailto:ann@home.example>',
  '\u200bann@home.example',
  '\ufeffann@home.example\u200e',
  '\u00a0\u2007ann@home.example\u202f',
  '<\u200b ann@home.example\u00ad>',
];

const REASONS: [string, string][] = [
  ['', 'it is empty'],
  [' \u200b;', 'it is empty'],
  ['ann.home.example', 'it has no @'],
  ['ann@@home.example', 'it has more than one @'],
  ['ann@home@home.example', 'it has more than one @'],
  ['ann@home.example, bob@home.example', 'it has more than one address'],
  ['ann@home.example;bob@home.example', 'it has more than one address'],
  ['ann@home.example <bob@home.example> <eve@home.example>', 'it has more than one address'],
  ['@home.example', 'nothing stands before the @'],
  ['...@home.example', 'nothing but dots stands before the @'],
  ['ann@', 'nothing stands behind the @'],
  ['ann smith@home.example', 'it has a space inside'],
  ['ann@home example', 'it has a space inside'],
  ['an\u200bn@home.example', 'the part before the @ has an invisible character'],
  ['an(n@home.example', 'the part before the @ has a character that is not allowed there'],
  [
    '"an n"@home.example',
    'the part before the @ has quotes around what can be sent neither with them nor without',
  ],
  [`${'a'.repeat(65)}@home.example`, 'the part before the @ has 65 bytes, of at most 64'],
  ['ann@home.example.', 'it ends with a dot'],
  ['ann@home.example.;', 'it ends with a dot'],
  ['ann@.home.example', 'the part behind the @ begins with a dot'],
  ['ann@home..example', 'the part behind the @ has two dots in a row'],
  [`ann@${'b'.repeat(64)}.example`, 'a label of the domain has more than 63 characters'],
  ['ann@home.example;;', 'it ends with more than one comma or semicolon'],
  ['ann@[192.0.2.1]', 'the part behind the @ is an address of a host and no domain'],
  ['ann@ho_me.example', 'the part behind the @ is no domain'],
  [`ann@${'b.'.repeat(126)}example`, 'it has more than 254 bytes'],
  ['ann\u0000@home.example', 'it has a line break or another control character'],
  ['Ann <>', 'it has no @'],
  ['<ann@home.example> Ann', 'it is not a name and one address in angle brackets'],
  [`${'a'.repeat(1_000)}@home.example`, 'it has more than 1,000 characters'],
];

forEachDatabase('addresses with pasted characters', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const mailed = (): Record<string, number> => Object.fromEntries(rig.inbox.countsByRecipient());

  it('are one mailbox, in a list and in profiles', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const profiles = ProfileShelf.fill(SPELLINGS.length, (n) => SPELLINGS[n].replaceAll('ann', 'bob'));
    const list = [...SPELLINGS, { email: SPELLINGS[0], data: {} }, ...profiles];
    const { completed, mailingId, numDuplicates } = await app.sender.sendEmailMessage(INFO, list, {
      persist: true,
    });
    expect(numDuplicates).toBe(SPELLINGS.length);
    expect(await completed).toMatchObject({ numSent: 2, numSkipped: profiles.length - 1, numErrors: 0 });
    assertProgressAddsUp(await rig.progress(mailingId as string));
    expect(mailed()).toEqual({ [ANN]: 1, 'bob@home.example': 1 });
    const [{ email }] = await app.query.recipients(mailingId as string, { limit: 1 });
    expect(email).toBe(ANN);
  });

  it('are suppressed and released in their clean form', async () => {
    const app = await rig.boot();
    const suppressions = app.nest.get(MailingSuppressions, { strict: false });
    for (const spelling of SPELLINGS) {
      await suppressions.suppress(spelling, 'asked');
      expect(await suppressions.findSuppressed([ANN, spelling])).toEqual(new Set([ANN, spelling]));
      await suppressions.release(spelling);
      expect(await suppressions.findSuppressed([ANN])).toEqual(new Set());
    }
    await suppressions.suppress(SPELLINGS[0], 'asked');
    const { completed } = await app.sender.sendEmailMessage(INFO, [ANN], { persist: true });
    expect(await completed).toMatchObject({ numSent: 0, numSkipped: 1 });
    expect(mailed()).toEqual({});
  });
});

/** A list of the host that compares exactly. */
class OwnList implements SuppressionList {
  static readonly addresses = new Set<string>();

  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    return new Set(addresses.filter((one) => OwnList.addresses.has(one)));
  }

  async suppress(address: string): Promise<void> {
    OwnList.addresses.add(address);
  }

  async release(address: string): Promise<void> {
    OwnList.addresses.delete(address);
  }
}

describe('a suppression list of the host', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('is asked for the clean form of addresses, and accepts invalid ones as they are', async () => {
    const app = await rig.boot({ suppressionList: OwnList });
    const suppressions = app.nest.get(MailingSuppressions, { strict: false });
    for (const spelling of SPELLINGS) {
      await suppressions.suppress(spelling, 'asked');
      expect([...OwnList.addresses]).toEqual([ANN]);
      const { completed } = await app.sender.sendEmailMessage(INFO, [ANN], { persist: true });
      expect(await completed).toMatchObject({ numSent: 0, numSkipped: 1 });
      await suppressions.release(spelling);
      expect([...OwnList.addresses]).toEqual([]);
    }
    await suppressions.suppress('no address', 'asked');
    expect([...OwnList.addresses]).toEqual(['no address']);
  });
});

describe('addresses that can not be parsed', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('are skipped with the reason in words, in a list and in profiles, and fail no other recipient', async () => {
    const app = await rig.boot({ profileRepository: ProfileShelf });
    // A profile without any address has a reason of its own.
    const inProfiles = REASONS.filter(([text]) => text !== '');
    const profiles = ProfileShelf.fill(inProfiles.length, (n) => inProfiles[n][0]);
    const list = [...REASONS.map(([email]) => email), ...profiles, ANN];
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 1, numSkipped: list.length - 1 });
    const skipped = await app.query.recipients(mailingId as string, { status: 'skipped', limit: 1_000 });
    expect(skipped.map(({ errorCode }) => errorCode)).toEqual(skipped.map(() => 'invalid_address'));
    expect(skipped.map(({ errorText }) => errorText?.replace(/ profile \S+/, ' profile'))).toEqual([
      ...REASONS.map(([, reason]) => `This is not exactly one valid e-mail address: ${reason}.`),
      ...inProfiles.map(([, reason]) => `The address of profile is not valid: ${reason}.`),
    ]);
    expect([...rig.inbox.countsByRecipient()]).toEqual([[ANN, 1]]);
  });
});

describe('local parts that are standard only in quotes', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const LIST: [Recipient, string][] = [
    ['try..this@docomo.example', '"try..this"@docomo.example'],
    ['.dot@docomo.example', '".dot"@docomo.example'],
    ['dot.@docomo.example', '"dot."@docomo.example'],
    ['"x."@docomo.example', '"x."@docomo.example'],
    ['Taro 太郎 <y..z@docomo.example>', '"y..z"@docomo.example'],
    [{ email: 'mailto:z.@DOCOMO.example;', name: 'Jiro' }, '"z."@docomo.example'],
  ];
  const list = LIST.map(([recipient]) => recipient);

  it('are skipped with the reason, and are one recipient with and without quotes', async () => {
    const app = await rig.boot();
    const { completed, mailingId, numDuplicates } = await app.sender.sendEmailMessage(
      INFO,
      [...list, '"try..this"@docomo.example', ANN],
      { persist: true },
    );
    expect(numDuplicates).toBe(1);
    expect(await completed).toMatchObject({ numSent: 1, numSkipped: list.length });
    const skipped = await app.query.recipients(mailingId as string, { status: 'skipped' });
    expect(skipped.map(({ errorCode }) => errorCode)).toEqual(list.map(() => 'non_standard_local_part'));
    expect(skipped[0].errorText).toContain('addresses.nonStandardLocalParts');
    expect([...rig.inbox.countsByRecipient()]).toEqual([[ANN, 1]]);
  });

  it.each<[string, Partial<MailingModuleOptions>, object]>([
    ['the mailer', {}, {}],
    ['the mailer, which composes the message itself', {}, { attachDataUrls: true }],
    ['bulk SMTP', { bulkSmtp: true }, {}],
  ])('are sent in quotes through %s where the host says so', async (_, options, transport) => {
    // The inbox's library refuses two dots in a row, in quotes too.
    await using server = await ScriptedSmtpServer.start(takesAll());
    const app = await rig.boot(
      { ...options, addresses: { nonStandardLocalParts: 'send' }, run: { concurrency: 1 } },
      { smtpUrl: server.url, transport, templates: { 'letter.hbs': '<p>{{email}}</p>' } },
    );
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: list.length });
    assertProgressAddsUp(await rig.progress(mailingId as string));
    const dialogue = server.lines.join('\r\n');
    const told = [...dialogue.matchAll(/^RCPT TO:<(.*)>/gm)].map(([, address]) => address);
    expect(told).toEqual(LIST.map(([, wire]) => wire));
    const messages = [...dialogue.matchAll(/^DATA\r\n([^]*?)\r\n\.$/gm)].map(([, message]) => message);
    expect(messages).toHaveLength(told.length);
    for (const [n, message] of messages.entries()) {
      const { to, html, headerLines } = await simpleParser(message);
      const [mailbox] = [to].flat().flatMap((one) => one?.value ?? []);
      const bare = told[n].replaceAll('"', '');
      expect(headerLines.find(({ key }) => key === 'to')?.line).toContain(`<${told[n]}>`);
      expect(mailbox.address?.replaceAll('"', '')).toBe(bare);
      expect(mailbox.name).toBe(['', '', '', '', 'Taro 太郎', 'Jiro'][n]);
      // Templates show an address without the quotes.
      expect(html).toContain(bare);
    }
  });

  it('are suppressed, and found by a preview, as any others', async () => {
    const app = await rig.boot({ addresses: { nonStandardLocalParts: 'send' } });
    const suppressions = app.nest.get(MailingSuppressions, { strict: false });
    await suppressions.suppress('"try..this"@docomo.example', 'asked');
    const { completed } = await app.sender.sendEmailMessage(INFO, ['try..this@docomo.example'], {
      persist: true,
    });
    expect(await completed).toMatchObject({ numSent: 0, numSkipped: 1 });
    const preview = await app.nest.get(TemplateEmailPreview).preview(INFO, 'dot.@docomo.example');
    expect(preview.to.address).toBe('"dot."@docomo.example');
  });

  it('are allowed for recipients only: a sender or a copy that is not standard refuses the mailing', async () => {
    const { sender } = await rig.boot({ addresses: { nonStandardLocalParts: 'send' } });
    for (const field of ['from', 'replyTo', 'cc', 'bcc', 'messageTo']) {
      const request = sender.sendEmailMessage({ ...INFO, [field]: 'try..this@shop.example' }, [ANN]);
      await expect(request).rejects.toMatchObject({ code: 'MAILING_HEADER_ADDRESS_INVALID', field });
    }
  });
});
