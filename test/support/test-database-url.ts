/** The variable that names the MySQL or MariaDB server of the tests. Its user must be allowed to create databases. */
export const TEST_DATABASE_URL = 'MAILING_TEST_DATABASE_URL';

/** The URL of one database on the server of the tests, or without a name the URL of the server itself. */
export function testDatabaseUrl(name = ''): string {
  const server = process.env[TEST_DATABASE_URL];
  if (!server) throw new Error(`${TEST_DATABASE_URL} is not set; it is, in tests that Vitest started.`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
