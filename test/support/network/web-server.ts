import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server that counts requests by path. */
export class WebServer implements AsyncDisposable {
  asked = 0;
  #server: Server;

  async start(answer: RequestListener): Promise<string> {
    this.#server = createServer((request, response) => {
      this.asked++;
      answer(request, response);
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(null)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
