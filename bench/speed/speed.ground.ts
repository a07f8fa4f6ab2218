import { type MariaDbServer, startMariaDb } from '../../test/support/servers/maria-db.server.js';
import { PostgresServer } from '../../test/support/servers/postgres.server.js';
import { RedisServer } from '../../test/support/servers/redis.server.js';
import { BenchChild } from '../bench-child.js';
import type { MailSink } from '../mail-servers/mail-sink.js';
import { NodeMailSink } from '../mail-servers/node-mail-sink.js';
import type { PostfixPrograms } from '../mail-servers/postfix.programs.js';
import { PostfixMailSink } from '../mail-servers/postfix-mail-sink.js';
import type { MailServer } from '../scaling/scaling.round.js';

/**
 * Settings of a production database server. A list of a million with its keys is about 400 MB, and with the default of 128 MiB
 * its pages would be swapped to disk while they are written. Durability stays full.
 */
const MEMORY = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=1G'];
/** The same for PostgreSQL, which has the jobs of another contender. */
const POSTGRES_MEMORY = { shared_buffers: '1GB', max_wal_size: '1GB' };

/** Servers that all contenders share in one run of the bench, each started at its first use. */
export class SpeedGround {
  readonly #ends: (() => Promise<void>)[] = [];

  /** @param postfix null: a mail sink in Node. */
  constructor(
    private readonly farMs: number,
    readonly postfix: PostfixPrograms | null,
  ) {}

  readonly sink = this.#once(
    async () =>
      this.postfix ? PostfixMailSink.start(this.postfix) : NodeMailSink.over(await farMailServer(0)),
    (sink: MailSink) => sink.stop(),
  );
  readonly mariaDb = this.#once(
    () => startMariaDb({ arguments: MEMORY }),
    (server: MariaDbServer) => server.stop(),
  );
  readonly postgres = this.#once(
    () => PostgresServer.create({ settings: POSTGRES_MEMORY }),
    (server: PostgresServer) => server.stop(),
  );
  readonly redis = this.#once(
    () => RedisServer.create(),
    (server: RedisServer) => server.stop(),
  );
  /** A distant mail server: delays each answer, and offers PIPELINING. */
  readonly farMailServer = this.#once(
    () => farMailServer(this.farMs),
    (server: MailServer) => server.end(),
  );
  /** A mail server without delay that reports when its first message arrived. */
  readonly watchingMailServer = this.#once(
    () => farMailServer(0),
    (server: MailServer) => server.end(),
  );

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  #once<T>(start: () => Promise<T>, end: (server: T) => Promise<void>): () => Promise<T> {
    let server: Promise<T> | undefined;
    return () => {
      server ??= start().then((one) => {
        this.#ends.push(() => end(one));
        return one;
      });
      return server;
    };
  }
}

function farMailServer(replyMs: number): Promise<MailServer> {
  return BenchChild.start('mail-servers/slow-mail-server.process.ts', { replyMs, isFar: true });
}
