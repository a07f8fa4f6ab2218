import type { ChildProcess } from 'node:child_process';
import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { EmailApiServer } from '../support/network/email-api.server.js';
import { waitUntil } from '../support/wait-until.js';
import { HostRig, kill } from './processes/host-rig.js';

const RECIPIENTS = 200;

forEachDatabase('an HTTP API that loses answers, and a process that is killed', (kind) => {
  const rig = HostRig.forEachTest(kind, 'api.process');
  let api: EmailApiServer;

  beforeEach(async () => {
    api = await EmailApiServer.start();
  });
  afterEach(() => api.close());

  const start = (send: 'yes' | 'no'): ChildProcess =>
    rig.start({
      SMTP_URL: 'smtp://127.0.0.1:9',
      API_URL: api.url,
      RECIPIENTS: String(RECIPIENTS),
      SEND: send,
    });

  it('get every message delivered once under its key, although what is in doubt is sent again', async () => {
    // Every seventh recipient is accepted at first without an answer that arrives, and the last before a kill are not answered at all.
    let hangFrom = 60;
    let numHanging = 0;
    const lost = new Set<string>();
    api.reply = ({ to }) => {
      if (api.accepted.length >= hangFrom) {
        numHanging++;
        return 'late';
      }
      const isLost = Number(/\d+/.exec(to)![0]) % 7 === 0 && !lost.has(to);
      if (isLost) lost.add(to);
      return isLost ? 'lost' : 'accept';
    };
    let host = start('yes');
    for (const next of [120, Infinity]) {
      await waitUntil(() => numHanging >= 4, { what: 'messages without an answer' });
      await kill(host);
      numHanging = 0;
      hangFrom = next;
      host = start('no');
    }
    const { id } = await waitUntil(
      () => rig.database.dataSource.getRepository(Mailing).findOneBy({ status: 'completed' }),
      { what: 'the mailing to be completed', deadlineMs: 25_000 },
    );
    const progress = await readProgress(rig.database.dataSource, id);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: RECIPIENTS });
    expect(api.accepted).toHaveLength(RECIPIENTS);
    expect(api.countsByRecipient().size).toBe(RECIPIENTS);
    expect(new Set(api.requests.map(({ key }) => key)).size).toBe(RECIPIENTS);
    // Of each kill at least four were not answered, beside those whose answer got lost.
    expect(api.requests.length - RECIPIENTS).toBeGreaterThanOrEqual(8 + lost.size);
    expect(lost.size).toBeGreaterThan(20);
  });
});
