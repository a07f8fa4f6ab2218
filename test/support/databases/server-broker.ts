import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { reasonOf } from '../../../libs/mailing/src/model/values/public-text.js';
import { SERVER_KINDS, type ServerKind } from './database-kinds.js';
import type { PrivateServer } from '../servers/private-server.js';
import { BROKER_SOCKET, type BrokerAnswer } from './test-database-url.js';
import { SERVERS } from './test-servers.js';

/**
 * Starts private database servers for the workers of a test run: each when the first test asks for it, once for all of them. So a run of tests
 * that need no server, or only one, does not wait for the others.
 */
export class ServerBroker implements AsyncDisposable {
  readonly #started = new Map<ServerKind, Promise<PrivateServer>>();

  private constructor(
    private readonly server: Server,
    private readonly folder: string,
  ) {}

  static async start(): Promise<ServerBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'mailing-broker-'));
    // A worker ends its side of the connection as soon as it has asked.
    const server = createServer({ allowHalfOpen: true });
    const broker = new ServerBroker(server, folder);
    server.on('connection', (socket) => void broker.#answer(socket));
    const path = socketPath(folder);
    server.listen(path);
    await once(server, 'listening');
    process.env[BROKER_SOCKET] = path;
    return broker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    const started = await Promise.allSettled(this.#started.values());
    const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await Promise.all(servers.map((server) => server.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #answer(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    const answer = await this.#urlOf(await askedFor(socket)).catch((error: unknown): BrokerAnswer => ({
      error: reasonOf(error),
    }));
    socket.end(JSON.stringify(answer));
  }

  async #urlOf(word: string): Promise<BrokerAnswer> {
    const kind = SERVER_KINDS.find((one) => one === word);
    if (!kind) throw new Error(`"${word}" is not a server that tests start.`);
    const started = this.#started.get(kind) ?? SERVERS[kind].start();
    this.#started.set(kind, started);
    return { url: (await started).url };
  }
}

/** Windows has names of pipes where others have files. */
function socketPath(folder: string): string {
  return process.platform === 'win32' ? `\\\\.\\pipe\\${basename(folder)}` : join(folder, 'socket');
}

/** Not `text` of node:stream/consumers, which destroys the socket before it can be answered. */
async function askedFor(socket: Socket): Promise<string> {
  let word = '';
  socket.on('data', (piece: Buffer) => (word += piece.toString('latin1')));
  await once(socket, 'end');
  return word;
}
