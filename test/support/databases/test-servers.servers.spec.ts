import { afterEach, describe, expect, it, vi } from 'vitest';
import { SERVER_VARIABLES, testDatabaseUrl } from './test-database-url.js';
import { startTestServers } from './test-servers.js';

describe('startTestServers', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('uses the given servers of the requested kinds', async () => {
    const urls = () =>
      Promise.all([testDatabaseUrl('mariadb'), testDatabaseUrl('mysql'), testDatabaseUrl('postgres')]);
    const given = await urls();

    const stop = await startTestServers(['mariadb', 'mysql', 'postgres']);
    await stop();

    expect(await urls()).toEqual(given);
  });

  it('refuses MariaDB given as MySQL, whatever the scheme of its URL', async () => {
    vi.stubEnv(SERVER_VARIABLES.mysql, (await testDatabaseUrl('mariadb')).replace('mariadb:', 'mysql:'));

    await expect(startTestServers(['mysql'])).rejects.toThrow(
      'MAILING_TEST_MYSQL_URL: expected the URL of a MySQL, got that of a MariaDB, by its VERSION().',
    );
  });

  it('refuses MySQL given as MariaDB', async () => {
    vi.stubEnv(SERVER_VARIABLES.mariadb, await testDatabaseUrl('mysql'));

    await expect(startTestServers(['mariadb'])).rejects.toThrow(
      'MAILING_TEST_DATABASE_URL: expected the URL of a MariaDB',
    );
  });
});
