import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message as the API got it. */
export interface ApiMessage {
  key: string;
  to: string;
  messageId: string;
}

/**
 * What becomes of a request. A number, or an answer with one: it is refused with that status. `lost`: it is accepted, and the connection is cut
 * without an answer. `late`: it is accepted, and never answered.
 */
export type ApiReply =
  'accept' | 'lost' | 'late' | number | { status: number; headers: object; body?: string };

/**
 * The API of a provider, as an HTTP server: it accepts a message once for each idempotency key, and answers a second request with the same key as
 * the first, without another copy.
 */
export class EmailApiServer implements AsyncDisposable {
  /** Each message that was accepted, once for each key. */
  readonly accepted: ApiMessage[] = [];
  /** Each request, those that were refused or discarded included. */
  readonly requests: ApiMessage[] = [];
  reply: (message: ApiMessage, nth: number) => ApiReply = () => 'accept';
  #server: Server;

  /** @param port that of a server that was closed; default: a free one. */
  static async start(port = 0): Promise<EmailApiServer> {
    const api = new EmailApiServer();
    api.#server = createServer((request, response) => void api.#take(request, response));
    await new Promise<void>((resolve) => api.#server.listen(port, '127.0.0.1', resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/emails`;
  }

  /** How many copies each address would have got. */
  countsByRecipient(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { to } of this.accepted) counts.set(to, (counts.get(to) ?? 0) + 1);
    return counts;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      // The client is dead before its request was whole.
      return;
    }
    const body = JSON.parse(Buffer.concat(parts).toString()) as { to: string; messageId: string };
    const message = { ...body, key: String(request.headers['idempotency-key']) };
    this.requests.push(message);
    const reply = this.reply(message, this.requests.length);
    if (typeof reply === 'number') return void response.writeHead(reply).end('{"error":"refused"}');
    if (typeof reply === 'object')
      return void response.writeHead(reply.status, reply.headers as Record<string, string>).end(reply.body);
    if (!this.accepted.some(({ key }) => key === message.key)) this.accepted.push(message);
    if (reply === 'lost') request.socket.destroy();
    else if (reply === 'accept') response.writeHead(202).end('{"id":"1"}');
  }
}
