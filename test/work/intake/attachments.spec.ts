import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { MailAttachment, Mailing, type Recipients, type TemplateEmailAttachment } from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';
import { WebServer } from '../../support/network/web-server.js';

const PICTURE = randomBytes(150_001);
const LEAFLET = randomBytes(1_000_000);

let web: WebServer;
let folder: string;

beforeEach(async () => {
  web = new WebServer();
  folder = await mkdtemp(join(tmpdir(), 'mailing-attachments-'));
});
afterEach(async () => {
  await web.stop();
  await rm(folder, { recursive: true, force: true });
});

forEachDatabase('attachments', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each(['table', 'folder'])(
    'C11 from a file, a URL and bytes arrive whole for each recipient, after a restart, on a server that has none of them: %s',
    async (storage) => {
      const kept = await mkdtemp(join(folder, 'kept-'));
      const where = { attachments: { store: storage === 'table' ? storage : { dir: kept } } } as const;
      const path = join(folder, 'leaflet.pdf');
      await writeFile(path, LEAFLET);
      const href = `${await web.start((_, response) => void response.end(PICTURE))}/picture.png`;
      const bytes = Buffer.from(PICTURE);
      const attachments: TemplateEmailAttachment[] = [
        { filename: 'leaflet.pdf', path },
        { filename: 'picture.png', href, cid: 'picture' },
        { filename: 'the same.png', content: bytes },
        { filename: 'words.txt', content: 'Grüße' },
        { filename: 'empty.txt', content: '' },
      ];
      const first = await rig.boot({ ...where, uniqServerId: 'first:1' });
      const { mailingId } = await first.sender.sendEmailMessage({ ...INFO, attachments }, people(3), {
        persist: true,
        sendAt: new Date(Date.now() + 3_600_000),
      });
      await first.close();
      bytes.fill(0);
      await web.stop();
      await rm(path);
      const { dataSource } = rig.database;
      // A content that is attached twice is stored once: 150,001 bytes are 4 parts, 1,000,000 are 21, and an empty one has no part.
      const numParts = storage === 'table' ? 4 + 21 + 1 : 0;
      const numFiles = storage === 'table' ? 0 : 4;
      expect(await dataSource.getRepository(MailAttachment).count()).toBe(numParts);
      const files = await readdir(kept, { recursive: true, withFileTypes: true });
      expect(files.filter((one) => one.isFile())).toHaveLength(numFiles);
      await dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
      await rig.boot({ ...where, uniqServerId: 'second:1', migrationList: ['first:1'] });
      await rig.reached(mailingId as string, 'completed');
      await rig.assertAllSent(mailingId as string, 3);
      expect(web.asked).toBe(1);
      for (const message of rig.inbox.messages) {
        const parsed = await message.parsed();
        // Inline ones come first.
        const received = attachments.map(({ filename }) =>
          parsed.attachments.find((one) => one.filename === filename)!,
        );
        expect(parsed.attachments).toHaveLength(attachments.length);
        const expected = [LEAFLET, PICTURE, PICTURE, Buffer.from('Grüße'), Buffer.alloc(0)];
        expect(received.map(({ content }, n) => content.equals(expected[n]))).toEqual(
          expected.map(() => true),
        );
        expect([received[1].cid, received[1].contentType]).toEqual(['picture', 'image/png']);
      }
    },
  );
});

describe('attachments', () => {
  const rig = MailingRig.forEachTest('sqlite');

  /** @returns the error of a mailing with these attachments, after checking that nothing was written. */
  const refusalOf = async (
    attachments: TemplateEmailAttachment[],
    limits = { maxBytes: 1_000, fetchTimeoutMs: 30_000 },
  ): Promise<Error> => {
    const app = await rig.boot({ uniqServerId: `test:${rig.apps.length}`, attachments: limits });
    const refusal = await app.sender
      .sendEmailMessage({ ...INFO, attachments }, people(1), { persist: true })
      .then(() => new Error('It was taken.'))
      .catch((error: unknown) => error as Error);
    const { dataSource } = rig.database;
    expect(await dataSource.getRepository(Mailing).count()).toBe(0);
    expect(await dataSource.getRepository(MailAttachment).count()).toBe(0);
    return refusal;
  };

  it('are read once and sent to all recipients, also in a mailing that is not persisted', async () => {
    const href = await web.start((_, response) => void response.end(PICTURE));
    const app = await rig.boot();
    const bytes = Buffer.from(LEAFLET);
    const attachments = [
      { filename: 'picture.png', href },
      { filename: 'leaflet.pdf', content: bytes },
    ];
    const { completed } = await app.sender.sendEmailMessage({ ...INFO, attachments }, people(3), true);
    bytes.fill(0);
    await completed;
    const received = await Promise.all(rig.inbox.messages.map((message) => message.parsed()));
    expect(received.map(({ attachments: [, two] }) => two.content.equals(LEAFLET))).toEqual([
      true,
      true,
      true,
    ]);
    expect(received.map(({ attachments: [one] }) => one.content.equals(PICTURE))).toEqual([true, true, true]);
    expect(web.asked).toBe(1);
  });

  it.each([false, true])(
    'have the content at the time of the call, whatever the caller changes later: persist %s',
    async (persist) => {
      const path = join(folder, 'leaflet.pdf');
      await writeFile(path, LEAFLET);
      const app = await rig.boot();
      const bytes = Buffer.from(PICTURE);
      const attachments = [
        { filename: 'leaflet.pdf', path },
        { filename: 'picture.png', content: bytes },
      ];
      const sending = app.sender.sendEmailMessage({ ...INFO, attachments }, people(2), false, persist);
      bytes.fill(0);
      attachments[1].filename = 'other.png';
      attachments.push({ filename: 'late.txt', content: Buffer.from('late') });
      await sending;
      expect(rig.inbox.messages).toHaveLength(2);
      for (const message of rig.inbox.messages) {
        const [one, two, ...more] = (await message.parsed()).attachments;
        expect([one.filename, one.content.equals(LEAFLET)]).toEqual(['leaflet.pdf', true]);
        expect([two.filename, two.content.equals(PICTURE)]).toEqual(['picture.png', true]);
        expect(more).toEqual([]);
      }
    },
  );

  it.each([false, true])(
    'that are loaded only after the server was stopped are not sent: persist %s',
    async (persist) => {
      let answer = (): void => undefined;
      const href = await web.start((_, response) => {
        answer = () => void response.end(PICTURE);
      });
      const app = await rig.boot();
      const info = { ...INFO, attachments: [{ filename: 'picture.png', href }] };
      const sending = app.sender.sendEmailMessage(info, people(2), true, persist);
      const answered = sending.catch((error: unknown) => error);
      await waitUntil(() => web.asked === 1, { what: 'the URL to be asked for' });
      await app.nest.close();
      answer();
      expect(await answered).toMatchObject({ code: 'MAILING_SERVER_SHUTTING_DOWN' });
      expect(rig.inbox.messages).toHaveLength(0);
      expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
    },
  );

  it.each<[string, () => unknown]>([
    ['of Node', () => Readable.from(['once'])],
    ['of the web', () => new Blob(['once']).stream()],
    [
      'of an iterable that is read once',
      () =>
        (async function* () {
          yield 'once';
        })(),
    ],
  ])('C11 can not be streams %s, and the error says what to use', async (_, stream) => {
    const app = await rig.boot();
    const info = { ...INFO, attachments: [{ filename: 'a.txt', content: stream() as string }] };
    for (const persist of [true, false]) {
      const refusal = await app.sender
        .sendEmailMessage(info, people(2), true, persist)
        .catch((error: unknown) => error as Error);
      expect(refusal).toMatchObject({ code: 'MAILING_ATTACHMENT_STREAM', field: 'attachments[0]' });
      for (const word of ['info.attachments[0].content', 'a stream', 'Give path or href', 'buffer(stream)'])
        expect((refusal as Error).message).toContain(word);
    }
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('are fetched over a limited number of redirects', async () => {
    const url = await web.start((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) return void response.end('file');
      response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    const app = await rig.boot({ uniqServerId: 'test:9' });
    const info = { ...INFO, attachments: [{ filename: 'a.txt', href: `${url}/5` }] };
    await app.sender.sendEmailMessage(info, people(1), false);
    expect((await rig.inbox.messages[0].parsed()).attachments[0].content.toString()).toBe('file');
    const refusal = await refusalOf([{ filename: 'a.txt', href: `${url}/6` }]);
    expect(refusal).toMatchObject({ code: 'MAILING_ATTACHMENT_DOWNLOAD', field: 'attachments[0]' });
    expect(refusal.message).toContain('more than 5 redirects');
  });

  it.each<[string, RequestListener]>([
    ['status 404', (_, response) => void response.writeHead(404).end('no')],
    ['status 204', (_, response) => void response.writeHead(204).end()],
    [
      'a redirect to file:',
      (_, response) => void response.writeHead(301, { location: 'file:///etc/passwd' }).end(),
    ],
    ['a redirect to nowhere', (_, response) => void response.writeHead(301, { location: 'http://' }).end()],
    ['the connection failed', (request) => void request.socket.destroy()],
  ])('are refused with the reason: %s', async (reason, answer) => {
    const url = await web.start(answer);
    const refusal = await refusalOf([{ filename: 'a.txt', href: `${url}/a.txt?key=hunter2` }]);
    expect(refusal).toMatchObject({ code: 'MAILING_ATTACHMENT_DOWNLOAD', url: `${url}/a.txt` });
    expect(refusal.message).toContain(`got ${reason} from`);
    expect(refusal.message).not.toContain('hunter2');
  });

  it('are not fetched from a URL with a login, and the login is not shown', async () => {
    const url = await web.start((_, response) => void response.end('file'));
    const withLogin = url.replace('http://', 'http://ann:hunter2@');
    const refusal = await refusalOf([{ filename: 'a.txt', href: `${withLogin}/a.txt` }]);
    expect(refusal).toMatchObject({ code: 'MAILING_FIELD_INVALID', field: 'attachments[0].href' });
    expect(refusal.message).toContain('without a login');
    expect(inspect(refusal)).not.toContain('hunter2');
    expect(web.asked).toBe(0);
    await web.stop();
    const other = await web.start(
      (_, response) => void response.writeHead(302, { location: `${withLogin}/a.txt` }).end(),
    );
    const redirected = await refusalOf([{ filename: 'a.txt', href: other }]);
    expect(redirected.message).toContain('a redirect to a URL with a login');
    expect(inspect(redirected)).not.toContain('hunter2');
  });

  it.each<[string, unknown]>([
    ['attachments', { filename: 'a.txt', content: 'a' }],
    ['attachments', 'a.txt'],
    ['attachments', null],
    ['attachments[1]', [{ filename: 'a.txt', content: 'a' }, null]],
    ['attachments[0]', ['a.txt']],
  ])('are refused where %s is %j', async (field, attachments) => {
    const refusal = await refusalOf(attachments as TemplateEmailAttachment[]);
    expect(refusal).toMatchObject({ code: 'MAILING_FIELD_INVALID', field });
  });

  it('have a time limit for their download, also when the answer has begun', async () => {
    const href = await web.start((_, response) => void response.write('begun'));
    const refusal = await refusalOf([{ filename: 'a.txt', href }], { maxBytes: 1_000, fetchTimeoutMs: 100 });
    expect(refusal).toMatchObject({ code: 'MAILING_ATTACHMENT_DOWNLOAD' });
    expect(refusal.message).toContain('no complete answer within 100 ms');
  });

  it('have a limit for their size together, whatever the content-length', async () => {
    const path = join(folder, 'large.bin');
    await writeFile(path, Buffer.alloc(601));
    // It never ends; the test counts what is read.
    const href = await web.start((_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(500)));
        response.once('drain', more);
      };
      more();
    });
    const small = { filename: 'a', content: Buffer.alloc(400) };
    for (const large of [
      { filename: 'b', path },
      { filename: 'b', href },
      { filename: 'b', content: Buffer.alloc(601) },
    ]) {
      const refusal = await refusalOf([small, large]);
      const facts = { code: 'MAILING_ATTACHMENT_TOO_LARGE', field: 'attachments[1]', maxBytes: 1_000 };
      expect(refusal).toMatchObject(facts);
      expect(refusal.message).toContain('at most 1000 bytes');
      expect(refusal.message).toContain('the option attachments.maxBytes');
    }
    const app = await rig.boot({ uniqServerId: 'test:9', attachments: { maxBytes: 1_000 } });
    const info = { ...INFO, attachments: [small, { filename: 'b', content: Buffer.alloc(600) }] };
    await app.sender.sendEmailMessage(info, people(1), false);
    expect(rig.inbox.messages).toHaveLength(1);
  });

  it('C11 may be a stream for one recipient, which gets all of it, after a restart too', async () => {
    const bytes = randomBytes(200_000);
    rig.inbox.answer = ({ command }) =>
      command === 'CONNECT' ? { code: 421, text: 'going down' } : undefined;
    const first = await rig.boot({ attachments: { maxBytes: 200_000 } });
    const attachments = [
      { filename: 'a.bin', content: Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]) },
    ];
    const { mailingId } = await first.sender.sendEmailMessage(
      { ...INFO, attachments },
      people(1),
      true,
      true,
    );
    await first.close();
    rig.inbox.answer = undefined;
    await rig.boot();
    await rig.reached(mailingId as string, 'completed');
    const [{ content }] = (await rig.inbox.messages[0].parsed()).attachments;
    expect(content.equals(bytes)).toBe(true);
  });

  it('C11 a stream is refused where it is too long, was read before, or the list may have more than one recipient', async () => {
    const app = await rig.boot({ attachments: { maxBytes: 1_000, fetchTimeoutMs: 100 } });
    const send = (stream: Readable, list: Recipients): Promise<unknown> => {
      const info = { ...INFO, attachments: [{ filename: 'a.bin', content: stream }] };
      return app.sender.sendEmailMessage(info, list, false, true).catch((error: unknown) => error);
    };
    const long = Readable.from([Buffer.alloc(600), Buffer.alloc(401)]);
    expect(await send(long, people(1))).toMatchObject({
      code: 'MAILING_ATTACHMENT_TOO_LARGE',
      maxBytes: 1_000,
    });
    const once = Readable.from([Buffer.alloc(10)]);
    expect(await send(once, people(1))).toMatchObject({ isRepeat: false });
    expect(await send(once, people(1))).toMatchObject({ source: 'attachments[0].content' });
    const silent = new Readable({ read: () => undefined });
    expect(await send(silent, people(1))).toMatchObject({ code: 'MAILING_FIELD_INVALID' });
    expect(silent.destroyed).toBe(true);
    const one = new Set(['ann@home.example']);
    expect(await send(Readable.from(['x']), one)).toMatchObject({ code: 'MAILING_ATTACHMENT_STREAM' });
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(1);
  });

  it.each(['ftp://shop.example/a.txt', 'file:///etc/passwd', '/a.txt', '', 7])(
    'are refused with the URL %j',
    async (href) => {
      const refusal = await refusalOf([{ filename: 'a.txt', href: href as string }]);
      expect(refusal).toMatchObject({ code: 'MAILING_FIELD_INVALID', field: 'attachments[0].href' });
    },
  );
});
