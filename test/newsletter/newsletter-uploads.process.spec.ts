import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NewsletterRig } from '../support/hosts/newsletter-rig.js';
import { waitUntil } from '../support/wait-until.js';

const LETTER = { subject: 'Hi {{name}}', from: 'news@shop.example', headline: 'Sun', text: 'Peaches.' };

interface Answer {
  status: number;
  answer: Record<string, unknown>;
}

describe('an upload of the newsletter service', () => {
  let folder: string;
  const rig = NewsletterRig.forAllTests(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailing-uploads-'));
    return {
      TMPDIR: folder,
      NEWSLETTER_MAX_UPLOAD_BYTES: '2000000',
      NEWSLETTER_MAX_UPLOAD_ROWS: '1000',
    };
  });
  afterAll(() => rm(folder, { recursive: true }));

  const upload = async (csv: string[], fields: Record<string, string> = {}): Promise<Answer> => {
    const form = new FormData();
    for (const [field, value] of Object.entries({ ...LETTER, ...fields })) form.set(field, value);
    form.set('recipients', new Blob(csv), 'recipients.csv');
    const answer = await rig.service.post(form);
    expect(await readdir(folder)).toEqual([]);
    return answer;
  };

  it.each([
    ['a cell of 600 kB', [`"a ""${'\\""'.repeat(300_000)}",Ann,x`]],
    ['one that is not quoted', [`a "${'\\"'.repeat(300_000)},Ann,x`]],
    ['a cell that is no address', [`${'a'.repeat(20_000)},Ann,x`]],
    ['a cell of 10,001 characters', [`eve@home.example,Eve,${'x'.repeat(10_001)}`]],
    ['a cell too few', ['eve@home.example,Eve']],
    ['a cell too many', ['eve@home.example,Eve,x,y']],
  ])('skips only the row with %s, and sends to the others', async (_, rows) => {
    rig.inbox.messages.splice(0);
    const good = ['ann@home.example,Ann,1', `bob@home.example,"Bob ""The"" B",2`];
    const { status, answer } = await upload([['email,name,bio', good[0], ...rows, good[1], ''].join('\n')]);
    expect({ status, answer }).toMatchObject({ status: 202, answer: { numProfiles: 3, numDuplicates: 0 } });
    const id = String(answer.id);
    expect(await rig.service.completed(id)).toMatchObject({ numSent: 2, numSkipped: 1 });
    expect(await rig.service.recipients(id, 'status=skipped')).toMatchObject([
      { idx: 1, errorCode: 'invalid_address', email: expect.stringMatching(/^line 3 of the file: /) },
    ]);
    expect(rig.inbox.messages.map(({ to }) => to[0]).sort()).toEqual([
      'ann@home.example',
      'bob@home.example',
    ]);
  });

  it.each<[string, number, string, string[], Record<string, string>?]>([
    ['2,000,001 bytes', 413, 'more than 2000000 bytes', ['email\n', 'x'.repeat(1_999_995)]],
    ['1,001 rows', 400, 'more than 1000 rows', ['email\n', 'x\n'.repeat(1_001)]],
    ['101 columns', 400, 'more than 100 columns', [`email${',a'.repeat(100)}\nx\n`]],
    [
      'a column with a name of 101 characters',
      400,
      'a name of more than 100',
      [`email,${'a'.repeat(101)}\n`],
    ],
    [
      'a quote that is never closed',
      400,
      'does not end',
      [`email\n"ann\n${'bob@home.example\n'.repeat(100)}`],
    ],
    ['a row of more than a megabyte', 400, 'does not end', [`email\n"${'x'.repeat(1_100_000)}"\n`]],
    ['a field of more than 200 kB', 400, 'Field value too long', ['email\n'], { text: 'x'.repeat(200_001) }],
    ['a text of more than 100,000 characters', 400, 'text: ', ['email\n'], { text: 'x'.repeat(100_001) }],
    ['a subject of more than 10,000', 400, 'info.subject', ['email\n'], { subject: 'x'.repeat(10_001) }],
  ])('is refused for %s, with the reason', async (_, status, words, csv, fields) => {
    rig.inbox.messages.splice(0);
    const refused = await upload(csv, fields);
    expect({ status: refused.status, says: JSON.stringify(refused.answer) }).toEqual({
      status,
      says: expect.stringContaining(words),
    });
    expect(rig.inbox.messages).toEqual([]);
  });

  // Only where the descriptors of a process can be listed.
  it.runIf(process.platform === 'linux')('leaves no file open after a refusal', async () => {
    const open = async (): Promise<string[]> => {
      const descriptors = `/proc/${rig.service.pid}/fd`;
      const links = (await readdir(descriptors)).map((name) =>
        readlink(join(descriptors, name)).catch(() => 'closed meanwhile'),
      );
      return (await Promise.all(links)).filter((path) => path.startsWith(folder));
    };
    // Each file is longer than a stream's buffer, so that its end was not read yet.
    const rest = 'bob@home.example\n'.repeat(60_000);
    const refused = [
      ['email\n', rest],
      [`email${',a'.repeat(100)}\n`, rest],
      ['address\n', rest],
      ['email\n"ann\n', rest],
    ];
    for (let round = 0; round < 5; round++)
      for (const csv of refused) expect((await upload(csv)).status).toBe(400);
    await waitUntil(async () => (await open()).length === 0, { what: 'the uploaded files to be closed' });
  });

  it('in JSON is refused beyond 100 kB', async () => {
    const recipients = [{ email: 'a '.repeat(60_000) }];
    expect(await rig.service.post(JSON.stringify({ ...LETTER, recipients }))).toMatchObject({ status: 413 });
  });
});
