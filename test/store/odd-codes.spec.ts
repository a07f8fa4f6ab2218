import { expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { MailingRig } from '../support/hosts/mailing-rig.js';

forEachDatabase('a transport whose error codes have unexpected types', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('fails each message for its recipient alone, and the mailing completes', async () => {
    const codes: unknown[] = ['E'.repeat(200), 'no room\u0000\n', { code: 1 }, 17, 'EMESSAGE'];
    let numSent = 0;
    const send = (_mail: unknown, done: (error: unknown) => void): void =>
      done(Object.assign(new Error('it can not be made'), { code: codes[numSent++] }));
    const transport = { name: 'odd', version: '1', url: undefined, pool: undefined, send };
    const app = await rig.boot({ run: { concurrency: 1 } }, { transport });
    const mailingId = await rig.send(app, codes.length);
    const { numErrors } = await rig.reached(mailingId, 'completed');
    expect(numErrors).toBe(codes.length);
    const refused = await app.query.recipients(mailingId, { status: 'error' });
    expect(refused.map(({ errorCode }) => errorCode)).toEqual([
      'sender',
      'sender',
      'EUNKNOWN',
      '17',
      'EMESSAGE',
    ]);
  });
});
