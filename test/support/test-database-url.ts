/** The variable that names the MariaDB server of the tests. Its user must be allowed to create databases. */
export const TEST_DATABASE_URL = 'MAILING_TEST_DATABASE_URL';
/** The same for the MySQL server. */
export const TEST_MYSQL_URL = 'MAILING_TEST_MYSQL_URL';
/** The same for the PostgreSQL server. */
export const TEST_POSTGRES_URL = 'MAILING_TEST_POSTGRES_URL';

/** The URL of one database on the MariaDB server of the tests, or without a name the URL of the server itself. */
export function testDatabaseUrl(name = ''): string {
  return urlOn(TEST_DATABASE_URL, name);
}

/** The same on the MySQL server. */
export function testMySqlUrl(name = ''): string {
  return urlOn(TEST_MYSQL_URL, name);
}

/** The same on the PostgreSQL server. */
export function testPostgresUrl(name = ''): string {
  return urlOn(TEST_POSTGRES_URL, name);
}

function urlOn(variable: string, name: string): string {
  const server = process.env[variable];
  if (!server) throw new Error(`${variable} is not set; it is, in tests that Vitest started.`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
