import { mailingEntities } from 'nestjs-mailing';
import { DataSource } from 'typeorm';
import {
  addTransactionalDataSource,
  deleteDataSourceByName,
  initializeTransactionalContext,
  IsolationLevel,
  runInTransaction,
  StorageDriver,
} from 'typeorm-transactional';
import { afterEach, describe, expect, it } from 'vitest';
import { Customer } from '../../support/hosts/customer.entity.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { ShopModule, ShopProfiles } from '../../support/hosts/shop-profiles.js';

// A process has one driver, so this test has its own file; cls-hooked is the default of the package.
initializeTransactionalContext({ storageDriver: StorageDriver.CLS_HOOKED });

describe('a caller of typeorm-transactional over cls-hooked', () => {
  const rig = MailingRig.forEachTest('postgres');

  afterEach(() => deleteDataSourceByName('default'));

  it('has the profiles read and written outside of its open transaction', async () => {
    const host = await rig.database.connect({ entities: [...mailingEntities, Customer], synchronize: true });
    const outside = host.getRepository(Customer);
    const [ann, bob] = await outside.save(
      outside.create(['ann', 'bob'].map((name) => ({ mail: `${name}@home.example`, wantsMail: 1 }))),
    );
    const app = await rig.boot({ profileRepository: ShopProfiles }, { imports: [{ module: ShopModule }] });
    const dataSource = app.nest.get(DataSource);
    addTransactionalDataSource(dataSource);
    const rollback = new Error('the caller changed its mind');
    const list = [ann, bob].map(({ number }) => ({ userId: `${number}` }));
    const snapshot = { isolationLevel: IsolationLevel.REPEATABLE_READ };
    const failing = runInTransaction(async () => {
      const inside = dataSource.getRepository(Customer);
      expect(await inside.countBy({ wantsMail: 1 })).toBe(2);
      await outside.update({ number: ann.number }, { wantsMail: 0 });
      const { completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
      expect(await completed).toMatchObject({ numSent: 1, numSkipped: 1 });
      throw rollback;
    }, snapshot);
    await expect(failing).rejects.toBe(rollback);
    expect([...rig.inbox.countsByRecipient().keys()]).toEqual(['bob@home.example']);
    expect(await outside.findOneByOrFail({ number: bob.number })).not.toMatchObject({ lastMail: null });
  });
});
