import { inspect } from 'node:util';
import {
  Mailing,
  MailTrackdata,
  MailingSuppressions,
  type Recipient,
  type SendOptions,
  type TemplateEmailInfo,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { holdMessagesAfter } from '../../support/network/hold-messages.js';

function nested(levels: number): Record<string, unknown> {
  let inner: Record<string, unknown> = { text: 'at the bottom' };
  for (let n = 1; n < levels; n++) inner = { inner };
  return inner;
}

describe('an invalid request', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each([
    ['a text', 'tea', '"tea"'],
    ['a Date', new Date(), 'an instance of Date'],
    ['an array', [1], 'an array'],
    ['a Map', new Map(), 'an instance of Map'],
    ['null', null, 'null'],
  ])('is refused for params that are %s', async (_, params, shown) => {
    const { sender } = await rig.boot();
    for (const persist of [true, false]) {
      const sending = sender.sendEmailMessage({ ...INFO, params: params as never }, people(1), true, persist);
      await expect(sending).rejects.toMatchObject({
        code: 'MAILING_FIELD_INVALID',
        field: 'params',
        message: expect.stringContaining(`a plain object, got ${shown}. `) as string,
      });
    }
  });

  it('is refused for params that are too deep or too large to be stored, and accepted where they are not stored', async () => {
    const { sender } = await rig.boot();
    for (const params of [nested(26), nested(20_000), { text: 'x'.repeat(262_144) }]) {
      const info = { ...INFO, params };
      await expect(sender.sendEmailMessage(info, people(1), true, true)).rejects.toMatchObject({
        code: 'MAILING_NOT_SERIALIZABLE',
      });
      const { completed } = await sender.sendEmailMessage(info, people(1));
      expect(await completed).toMatchObject({ numSent: 1 });
    }
    await expect(
      sender.sendEmailMessage({ ...INFO, params: nested(25) }, [], true, true),
    ).resolves.toBeDefined();
  });

  it.each([
    ['characters of one byte', 'x'.repeat(262_144 - '{"text":""}'.length)],
    ['characters of two bytes', `x${'é'.repeat((262_143 - '{"text":""}'.length) / 2)}`],
  ])('is accepted with params of 262,144 bytes of JSON, and refused for one more: %s', async (_, text) => {
    const { sender } = await rig.boot();
    const send = (params: object) =>
      sender.sendEmailMessage(
        { ...INFO, params: params as TemplateEmailInfo['params'] },
        people(1),
        true,
        true,
      );
    expect(Buffer.byteLength(JSON.stringify({ text }))).toBe(262_144);
    await expect(send({ text: `${text}x` })).rejects.toMatchObject({ code: 'MAILING_NOT_SERIALIZABLE' });
    const { mailingId, completed } = await send({ text });
    expect(await completed).toMatchObject({ numSent: 1 });
    const mailings = rig.database.dataSource.getRepository(Mailing);
    expect((await mailings.findOneByOrFail({ id: mailingId as string })).params).toEqual({ text });
  });

  it('is refused for an unknown field, with the right name for it', async () => {
    const { sender } = await rig.boot();
    const theirs: Record<string, string | null> = {
      messageFrom: 'from',
      messageSubject: 'subject',
      messageReplyTo: 'replyTo',
      messageCc: 'cc',
      messageBcc: 'bcc',
      templateURL: 'templateUrl',
      altTemplateURL: 'altTemplateUrl',
      templateParameters: 'params',
      mailingName: 'name',
      messageAttachments: 'attachments',
      subjekt: null,
      toString: null,
    };
    for (const [field, ours] of Object.entries(theirs)) {
      const sending = sender.sendEmailMessage({ ...INFO, [field]: 'x' }, people(1), { persist: true });
      await expect(sending).rejects.toMatchObject({
        code: 'MAILING_FIELD_UNKNOWN',
        field,
        ours,
        message: expect.stringContaining(ours ? `Say ${ours} ` : 'the fields are name, ') as string,
      });
    }
    const refused = sender.sendEmailMessage(
      { ...INFO, 'ann@home.example': 'x' } as TemplateEmailInfo,
      people(1),
    );
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('@') as string });
  });

  it.each([
    ['a fourth argument beside options', { persist: false }, true, 'persist'],
    ['a fourth argument that is no flag', true, 'yes', 'persist'],
    ['a third argument that is no flag', 'yes', undefined, '*'],
    ['null for options', null, undefined, '*'],
    ['an option that is no flag', { persist: 'yes' }, undefined, 'persist'],
    ['another option that is no flag', { runInSeparateThread: 1 }, undefined, 'runInSeparateThread'],
    ['an unknown option', { persisted: true }, undefined, 'persisted'],
  ])('is refused for %s', async (_, how, persist, field) => {
    const { sender } = await rig.boot();
    const sending = sender.sendEmailMessage(INFO, people(1), how as boolean, persist as boolean);
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_FIELD_INVALID', field });
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('is none with the third argument left out before the fourth', async () => {
    const { sender } = await rig.boot();
    const { mailingId } = await sender.sendEmailMessage(INFO, people(1), undefined, true);
    expect(mailingId).not.toBeNull();
  });

  it.each<[string, unknown]>([
    ...['sendAsHtml', 'sendAsText', 'fillFromTemplate', 'ignoreContactFatigue', 'unsubscribe', 'batched'].map(
      (field): [string, unknown] => [field, 'yes'],
    ),
    ['headers', 'X-A: b'],
    ['trackingData', ['a']],
    ['slots', 'promotion'],
  ])('is refused for %s of another type', async (field, value) => {
    const { sender } = await rig.boot();
    const sending = sender.sendEmailMessage({ ...INFO, [field]: value }, people(1), true, true);
    await expect(sending).rejects.toMatchObject({ code: 'MAILING_FIELD_INVALID', field });
  });

  it.each(['name', 'siteId', 'batchExecId'])(
    'is refused for %s that its column can not hold',
    async (field) => {
      const { sender } = await rig.boot();
      const sending = sender.sendEmailMessage({ ...INFO, [field]: 'x'.repeat(256) }, people(1), true, true);
      await expect(sending).rejects.toMatchObject({ code: 'MAILING_FIELD_TOO_LONG', field });
    },
  );

  it('shows no address in the error, neither in the message nor as a property', async () => {
    const { sender, nest } = await rig.boot();
    const address = 'ann@home.example';
    const send = (info: object, recipients: unknown) =>
      sender.sendEmailMessage({ ...INFO, ...info }, recipients as Recipient[], {} as SendOptions);
    const refusals: Record<string, () => Promise<unknown>> = {
      MAILING_RECIPIENTS_UNKNOWN: () => send({}, address),
      MAILING_PROFILE_REPOSITORY_MISSING: () => send({}, [{ userId: address }]),
      MAILING_HEADER_ADDRESS_INVALID: () => send({ replyTo: `${address}, nonsense` }, []),
      MAILING_HEADER_INJECTION: () => send({ messageTo: `${address}\n` }, []),
      MAILING_FIELD_INVALID: () => send({ params: [address] }, []),
      MAILING_SUPPRESSION_ADDRESS: () =>
        nest.get(MailingSuppressions).suppress(`${address}, bob@home.example`, 'complaint'),
    };
    for (const [code, refused] of Object.entries(refusals)) {
      const error: unknown = await refused().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code });
      // The message of one gives an example address.
      const printed = inspect(error).replaceAll('such as ann@home.example', '');
      expect(printed).toContain(code);
      expect(printed).not.toContain(address);
    }
  });
});

forEachDatabase('params and data at their bounds', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('are sent: 25 levels, 262,144 bytes of JSON, and half a surrogate pair in the name of an attachment', async () => {
    const { sender } = await rig.boot({}, { templates: { 'letter.hbs': '{{text.length}}' } });
    const data = { text: 'x'.repeat(262_144 - '{"text":""}'.length) };
    expect(JSON.stringify(data)).toHaveLength(262_144);
    const list = [
      { email: 'deep@home.example', data: nested(25) },
      { email: 'large@home.example', data },
    ];
    const attachments = [{ filename: 'tea\ud83d.txt', content: 'tea' }];
    const { completed } = await sender.sendEmailMessage({ ...INFO, attachments }, list, {
      persist: true,
      runInSeparateThread: false,
    });
    expect(await completed).toMatchObject({ numProfiles: 2, numSent: 2 });
    const large = await rig.inbox.messages.find(({ to }) => to[0] === 'large@home.example')!.parsed();
    expect(large.text?.trim()).toBe(`${data.text.length}`);
    expect(large.attachments.map(({ filename, content }) => [filename, content.toString()])).toEqual([
      ['tea\uFFFD.txt', 'tea'],
    ]);
  });
});

forEachDatabase('params and data with half surrogate pairs', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('reach their recipients with U+FFFD in place of the half', async () => {
    const templates = { 'letter.hbs': '{{bio}}|{{note}}|{{name}}|{{[x\uFFFD]}}' };
    const { sender } = await rig.boot({}, { templates });
    const half = 'x\ud83d';
    const { mailingId, completed } = await sender.sendEmailMessage(
      { ...INFO, params: { note: half }, headers: { 'X-Note': half }, trackingData: { [half]: half } },
      [
        {
          email: 'ann@home.example',
          name: `Ann ${half}`,
          data: { bio: half, [half]: 'by its key', nul: '\0' },
        },
        ...people(2),
      ],
      { persist: true, runInSeparateThread: false },
    );
    expect(await completed).toMatchObject({ numProfiles: 3, numSent: 3 });
    const letter = await rig.inbox.messages.find(({ to }) => to[0] === 'ann@home.example')!.parsed();
    expect(letter.text?.trim()).toBe('x\uFFFD|x\uFFFD|Ann x\uFFFD|by its key');
    const encoded = Buffer.from('x\uFFFD').toString('base64');
    expect(letter.headers.get('x-note')).toBe(`=?UTF-8?B?${encoded}?=`);
    const tracked = await rig.database.dataSource.getRepository(MailTrackdata).find();
    expect(tracked).toEqual([{ mailingId, idx: 0, mapKey: 'x\uFFFD', mapValue: 'x\uFFFD' }]);
  });
});

describe('the early return of sendEmailMessage', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each([true, false])('comes before the first message is accepted, persisted: %s', async (persist) => {
    const release = holdMessagesAfter(rig.inbox, 0);
    const { sender } = await rig.boot();
    try {
      const { completed } = await sender.sendEmailMessage(INFO, people(20), true, persist);
      let isOver = false;
      void completed.then(() => (isOver = true));
      await rig.inbox.waitFor(1);
      expect(isOver).toBe(false);
      release();
      expect(await completed).toMatchObject({ status: 'completed', numSent: 20 });
    } finally {
      release();
    }
  });
});
