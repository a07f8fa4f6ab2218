import { setImmediate as turn } from 'node:timers/promises';
import { type AddressNormalizer, type MailingModuleOptions, MailingSuppressions } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { UnhandledRejections } from '../../support/unhandled-rejections.js';
import { waitUntil } from '../../support/wait-until.js';

const RETRYABLE = 'reader7@home.example';

forEachDatabase('functions of the host that are async, or that fail', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('a listener that rejects is reported once, and ends neither process nor mailing', async () => {
    using unhandled = new UnhandledRejections();
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    const app = await rig.boot();
    let told = 0;
    app.events.on('recipient:settled', async () => {
      told++;
      await turn();
      throw new Error('the metric\nis out of order');
    });
    const mailingId = await rig.send(app, 100);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 100);
    await waitUntil(() => warnings.length > 0, { what: 'the warning' });
    await turn();
    process.off('warning', note);
    expect(told).toBe(100);
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      'MailingListenerWarning: A listener of recipient:settled fails: the metric is out of order. Correct it.',
    ]);
    expect(unhandled.reasons).toEqual([]);
  });

  const failures: [string, (address: string) => unknown][] = [
    ['throws', (address) => raise(`${address} is too much`)],
    ['returns a promise that rejects', (address) => Promise.reject(new Error(address))],
    ['returns a promise', (address) => Promise.resolve(address)],
    ['returns nothing', () => undefined],
    ['returns an empty text', () => ''],
    ['returns an object', (address) => ({ address })],
  ];

  it.each(failures)('a normalizer that %s for one address fails that recipient only', async (_, fails) => {
    using unhandled = new UnhandledRejections();
    const normalizer = ((address) => (address === RETRYABLE ? fails(address) : address)) as AddressNormalizer;
    const app = await rig.boot({ addresses: { normalizer } });
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, people(100), { persist: true });
    expect(await completed).toMatchObject({ numSent: 99, numSkipped: 1, numErrors: 0 });
    const progress = await rig.progress(mailingId as string);
    assertProgressAddsUp(progress);
    const [skipped] = progress.recipients.filter(({ status }) => status === 'skipped');
    expect(skipped).toMatchObject({ idx: 7, errorCode: 'address_normalizer' });
    expect(skipped.errorText).toContain('addresses.normalizer');
    expect(skipped.errorText).not.toContain('@');
    expect([...rig.inbox.countsByRecipient().keys()]).not.toContain(RETRYABLE);

    const unpersisted = await app.sender.sendEmailMessage(INFO, people(100));
    expect(await unpersisted.completed).toMatchObject({ status: 'completed', numSent: 99, numSkipped: 1 });
    await turn();
    expect(unhandled.reasons).toEqual([]);
  });

  it('a normalizer that fails for the address of a profile, known only when its message is made, fails that recipient only', async () => {
    const normalizer: AddressNormalizer = (address) =>
      address === RETRYABLE ? (Promise.reject(new Error(address)) as never) : address;
    const app = await rig.boot({ addresses: { normalizer }, profileRepository: ProfileShelf });
    const list = ProfileShelf.fill(20, (n) => `reader${n}@home.example`);
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 19, numSkipped: 1, numErrors: 0 });
    const { recipients } = await rig.progress(mailingId as string);
    expect(recipients[7]).toMatchObject({ status: 'skipped', errorCode: 'address_normalizer' });
    const unpersisted = await app.sender.sendEmailMessage(INFO, list);
    expect(await unpersisted.completed).toMatchObject({ status: 'completed', numSent: 19, numSkipped: 1 });
  });

  it('a normalizer that fails for an address to suppress: the call is refused with an error without the address', async () => {
    const normalizer = ((address: string) => Promise.reject(new Error(address))) as never;
    const app = await rig.boot({ addresses: { normalizer } });
    const suppressing = app.nest.get(MailingSuppressions).suppress(RETRYABLE, 'complaint');
    const error = await suppressing.then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ code: 'MAILING_ADDRESS_NORMALIZER', got: 'a promise' });
    expect(`${error?.message} ${JSON.stringify(error)}`).not.toContain('reader7');
  });

  it('unsubscribe.url may be async; a link that is rejected or never comes fails its recipient only', async () => {
    using unhandled = new UnhandledRejections();
    const url: NonNullable<MailingModuleOptions['unsubscribe']>['url'] = async ({ email }) => {
      await turn();
      if (email === 'reader1@home.example') throw new Error('no such customer');
      if (email === 'reader2@home.example') return new Promise(() => undefined);
      return `https://shop.example/no?who=${email.split('@')[0]}`;
    };
    const app = await rig.boot({ unsubscribe: { url }, run: { hostCallTimeoutMs: 1_000 } });
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, people(10), { persist: true });
    expect(await completed).toMatchObject({ numSent: 8, numErrors: 2 });
    const { recipients } = await rig.progress(mailingId as string);
    expect(recipients[1]).toMatchObject({ errorCode: 'unsubscribe', errorText: 'no such customer' });
    expect(recipients[2].errorCode).toBe('unsubscribe');
    expect(recipients[2].errorText).toContain('unsubscribe.url: no answer within 1000 ms');
    for (const message of rig.inbox.messages) {
      const link = message.header('List-Unsubscribe');
      expect(link).toBe(`<https://shop.example/no?who=${message.to[0].split('@')[0]}>`);
    }
    expect(unhandled.reasons).toEqual([]);
  });
});

function raise(text: string): never {
  throw new Error(text);
}
