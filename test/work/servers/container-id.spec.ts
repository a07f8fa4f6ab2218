import { MailingEvents } from 'nestjs-mailing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MailingRig } from '../../support/hosts/mailing-rig.js';

describe('a server whose id is the name of its container', () => {
  const rig = MailingRig.forEachTest('sqlite');

  const toldOfStart = async (uniqServerId: string, migrationList: string[]): Promise<unknown[]> => {
    const emit = vi.spyOn(MailingEvents.prototype, 'emit');
    onTestFinished(() => emit.mockRestore());
    await rig.boot({ uniqServerId, migrationList });
    return emit.mock.calls.filter(([name]) => name === 'server:ephemeral-id').map(([, facts]) => facts);
  };

  it('says at its start that its mailings would wait', async () => {
    expect(await toldOfStart('3f2a9c07be41', [])).toEqual([{ uniqServerId: '3f2a9c07be41' }]);
  });

  it.each<[string, string, string[]]>([
    ['it adopts the mailings of others', '3f2a9c07be41', ['*']],
    ['the name may stay', 'shop-0', []],
  ])('says nothing if %s', async (_, id, list) => {
    expect(await toldOfStart(id, list)).toEqual([]);
  });
});
