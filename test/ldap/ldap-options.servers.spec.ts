import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  LdapOptionsError,
  type LdapProfileOptions,
  LdapProfileRepository,
  MailingLdapModule,
  type MailingLdapOptionsFactory,
} from 'nestjs-mailing/ldap';
import { describe, expect, it } from 'vitest';
import { directories, PEOPLE, profilesOf, readers } from '../support/directory.js';
import { READER } from '../support/servers/ldap.server.js';
import { canHaveOpenLdap } from '../support/servers/open-ldap.programs.js';
import { which } from '../support/servers/system-programs.js';

const run = promisify(execFile);
const hasLdap = await canHaveOpenLdap();
const hasOpenSsl = (await which('openssl')) !== undefined;
const url = 'ldap://ldap.example';

describe('the options of nestjs-mailing/ldap', () => {
  it.each([
    ['options', undefined, 'an object, got nothing'],
    ['url', {}, 'ldap://host:port or ldaps://host:port'],
    ['url', { url: 'http://ldap.example' }, 'got a text of 19 characters'],
    ['url', { url: 'ldap://ldap.example/dc=example' }, 'nothing more'],
    ['url', { url: 'ldap://cn=x:secret@ldap.example' }, 'nothing more'],
    ['bindDn', { url, bindPassword: 'secret' }, 'given together with bindPassword, got nothing'],
    ['bindPassword', { url, bindDn: 'cn=x' }, 'given together with bindDn, got nothing'],
    ['bindPassword', { url, bindDn: 'cn=x', bindPassword: '' }, 'not empty, got an empty text'],
    ['startTls', { url, startTls: 'yes' }, 'true or false, got a text of 3 characters'],
    ['startTls', { url: 'ldaps://ldap.example', startTls: true }, 'false with an ldaps: url'],
    ['tls', { url, tls: {} }, 'absent without ldaps:'],
    ['tls', { url, startTls: true, tls: 'strict' }, 'options of tls.connect'],
    ['timeoutMs', { url, timeoutMs: 0 }, 'a whole number from 1 to 600000, got the number 0'],
    ['connectTimeoutMs', { url, connectTimeoutMs: '5' }, 'from 1 to 600000, got a text of 1 character'],
    ['maxConcurrentLookups', { url, maxConcurrentLookups: 1_001 }, 'from 1 to 1000, got the number 1001'],
    ['base', { url, base: ' ' }, 'a text that is not empty'],
    ['attributes', { url, attributes: 'mail' }, 'an object, got a text of 4 characters'],
    ['attributes.mail', { url, attributes: { mail: 'mail' } }, 'absent, because the options here are email'],
    ['attributes.email', { url, attributes: { email: false } }, 'the name of an attribute, got a boolean'],
    ['attributes.name', { url, attributes: { name: 'display name' } }, 'got a text of 12 characters'],
    ['attributes.emailStatus.invalid', { url, attributes: { emailStatus: { attribute: 'x' } } }, 'a list'],
    [
      'attributes.receiveEmail.attribute',
      { url, attributes: { receiveEmail: { no: ['no'] } } },
      'got nothing',
    ],
    ['attributes.data.city', { url, attributes: { data: { city: '*' } } }, 'got a text of 1 character'],
    ['host', { url, host: 'x' }, 'absent, because the options here are url, bindDn'],
  ])('refuses a wrong %s: %j', (option, options, words) => {
    let error: unknown;
    try {
      error = new LdapProfileRepository(options as LdapProfileOptions);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LdapOptionsError);
    expect(error).toMatchObject({ code: 'MAILING_LDAP_OPTIONS', option });
    expect((error as Error).message).toContain(words);
    expect((error as Error).message).not.toContain('secret');
  });
});

describe.skipIf(!hasLdap)('MailingLdapModule', () => {
  const directory = directories();

  it('accepts forRoot options, and options of a factory, of a class, and of a provider', async () => {
    const [ann] = readers(1);
    const server = await directory([ann]);
    const options = { url: server.url, ...READER, base: PEOPLE };
    @Injectable()
    class Configuration implements MailingLdapOptionsFactory {
      createMailingLdapOptions(): LdapProfileOptions {
        return options;
      }
    }
    @Module({ providers: [Configuration], exports: [Configuration] })
    class ConfigurationModule {}

    for (const part of [
      MailingLdapModule.forRoot(options),
      MailingLdapModule.forRootAsync({ useFactory: async () => options }),
      MailingLdapModule.forRootAsync({ useClass: Configuration }),
      MailingLdapModule.forRootAsync({ imports: [ConfigurationModule], useExisting: Configuration }),
    ]) {
      const app = await Test.createTestingModule({ imports: [part] }).compile();
      const profiles = app.get(LdapProfileRepository, { strict: false });
      expect([...(await profiles.findByIds([ann.dn])).keys()]).toEqual([ann.dn]);
      await app.close();
    }
  });

  it('keeps no process alive, even if it is not closed', async () => {
    const [ann] = readers(1);
    const server = await directory([ann]);
    const script =
      "import('./libs/ldap/src/index.ts').then(async ({ LdapProfileRepository }) => {" +
      `const profiles = new LdapProfileRepository(${JSON.stringify({ url: server.url, ...READER })});` +
      `console.log((await profiles.findByIds([${JSON.stringify(ann.dn)}])).size); });`;
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '-e', script], { timeout: 20_000 });
    expect(stdout.trim()).toBe('1');
  });

  it.skipIf(!hasOpenSsl)(
    'connects by ldaps: and by STARTTLS, and only to a server that its certificate names',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'mailing-tls-'));
      const tls = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
      const request = '-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ldap.shop.example';
      const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', tls.key, '-out', tls.cert];
      await run('openssl', ['req', ...request.split(' '), ...names]);
      const [ann] = readers(1);
      const server = await directory([ann], { tls });
      const ca = await readFile(tls.cert);
      const find = async (at: string, more: Partial<LdapProfileOptions>): Promise<number> =>
        (await new (profilesOf(at, more))().findByIds([ann.dn])).size;

      expect(await find(server.url, { startTls: true, tls: { ca } })).toBe(1);
      expect(await find(server.secureUrl, { tls: { ca } })).toBe(1);
      await expect(find(server.url, { startTls: true })).rejects.toThrow('self-signed certificate');
      await expect(find(server.secureUrl, {})).rejects.toThrow('self-signed certificate');
      const other = server.url.replace('127.0.0.1', 'localhost');
      await expect(find(other, { startTls: true, tls: { ca } })).rejects.toThrow('does not match');

      const profiles = new (profilesOf(server.url, { startTls: true, tls: { ca } }))();
      expect((await profiles.findByIds([ann.dn])).size).toBe(1);
      await server.kill();
      await expect(profiles.findByIds([ann.dn])).rejects.toThrow('ECONNREFUSED');
      await server.start();
      expect((await profiles.findByIds([ann.dn])).size).toBe(1);
    },
  );
});
