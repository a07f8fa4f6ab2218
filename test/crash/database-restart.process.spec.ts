import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mailingDataSourceOptions } from '../../ormconfig.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { SERVER_KINDS } from '../support/databases/database-kinds.js';
import { startMariaDb } from '../support/servers/maria-db.server.js';
import { startMySql } from '../support/servers/my-sql.server.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { startPostgres } from '../support/servers/postgres.server.js';
import type { PrivateServer } from '../support/servers/private-server.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { connectToPostgres, connectToServer } from '../support/databases/server-connection.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept } from './processes/promise.js';

const RECIPIENTS = 600;
/** Numbers of received messages at which the database is killed. */
const MOMENTS = [50, 150, 260, 370, 480];
/** Long enough that there are messages in flight at every moment, short enough that commits follow each other closely. */
const ANSWER_MS = 15;

const SERVERS = {
  mariadb: { start: startMariaDb, connect: connectToServer },
  mysql: { start: startMySql, connect: connectToServer },
  postgres: { start: startPostgres, connect: connectToPostgres },
} satisfies Record<
  string,
  { start: () => Promise<PrivateServer>; connect: (url: string) => Promise<Session> }
>;

interface Session {
  query(sql: string): Promise<unknown>;
  end(): Promise<void>;
}

describe.each(SERVER_KINDS)('a %s that is killed while a mailing runs', (kind) => {
  let server: PrivateServer;
  let inbox: SmtpInbox;
  let service: NewsletterService;
  let url: string;

  beforeEach(async () => {
    server = await SERVERS[kind].start();
    const connection: Session = await SERVERS[kind].connect(server.url);
    await connection.query('CREATE DATABASE newsletter');
    await connection.end();
    url = `${server.url}/newsletter`;
    inbox = await SmtpInbox.start({
      keepRaw: 0,
      answer: ({ command }) => (command === 'END' ? delay(ANSWER_MS) : undefined),
    });
    service = await NewsletterService.start({ databaseUrl: url, smtpUrl: inbox.url });
  });

  afterEach(async () => {
    await service.kill();
    await inbox.close();
    await server.stop();
  });

  it('D8 five times costs no recipient its message: the process lives on and records each outcome', async () => {
    const mailingId = await service.send(RECIPIENTS);
    for (const moment of MOMENTS) {
      await inbox.waitFor(moment, 30_000);
      const noticed = service.countOf('run:commit-retried');
      await server.kill();
      // Not only down: the process must have noticed it.
      await waitUntil(() => service.countOf('run:commit-retried') > noticed, {
        what: 'the run to miss its database',
      });
      await server.start();
    }
    await service.completed(mailingId, 40_000);
    expect(service.isRunning).toBe(true);
    expect(service.countOf('run:recovered')).toBe(0);
    expect(service.countOf('server:registered')).toBe(1);

    const dataSource = await new DataSource(mailingDataSourceOptions(url)).initialize();
    const progress = await readProgress(dataSource, mailingId);
    await dataSource.destroy();
    assertPromiseKept({ progress, inbox, recipients: readerAddresses(RECIPIENTS), crashes: 0 });
    expect(progress.byStatus).toEqual({ sent: RECIPIENTS });
    expect(inbox.messages).toHaveLength(RECIPIENTS);
    await service.stop();
    expect(await service.ended()).toBe('SIGTERM');
  }, 90_000);
});
