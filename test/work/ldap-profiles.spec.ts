import { LdapProfileRepository } from 'nestjs-mailing/ldap';
import { afterEach, describe, expect, it } from 'vitest';
import { PEOPLE_ENTRY, readers } from '../support/directory.js';
import {
  type LdapServer,
  type LdapServerOptions,
  READER,
  startLdap,
  SUFFIX,
} from '../support/ldap.server.js';
import { INFO, MailingRig } from '../support/mailing-rig.js';
import { canHaveOpenLdap } from '../support/open-ldap.programs.js';

describe.skipIf(!(await canHaveOpenLdap()))('LdapProfileRepository', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const servers: LdapServer[] = [];

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function directory(options: LdapServerOptions): Promise<LdapServer> {
    const server = await startLdap(options);
    servers.push(server);
    return server;
  }

  it('is where the people of a mailing are', async () => {
    const people = readers(3);
    const { url } = await directory({ entries: [PEOPLE_ENTRY, ...people] });
    class Profiles extends LdapProfileRepository {
      constructor() {
        super({ url, ...READER, base: SUFFIX });
      }
    }
    const app = await rig.boot({ profileRepository: Profiles });
    const list = people.map(({ dn }) => ({ userId: dn }));
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 3);
    expect(await app.query.get(mailingId as string)).toMatchObject({ numSent: 3 });
  });
});
