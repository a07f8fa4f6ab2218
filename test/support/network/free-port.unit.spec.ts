import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from './free-port.js';

/** The first port that Linux gives to outgoing connections; other systems begin later. */
const FIRST_OUTGOING = 32_768;

describe('freePort', () => {
  it('is outside of the range for outgoing connections, and can be listened on', async () => {
    for (let n = 0; n < 20; n++) {
      const port = await freePort();
      const server = createServer().listen(port, '127.0.0.1');
      await once(server, 'listening');
      server.close();
      expect(port).toBeLessThan(FIRST_OUTGOING);
    }
  });
});
