import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type INestApplicationContext, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MailServer, type MailingModuleOptions, TemplateEmailSender } from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { waitUntil } from '../support/wait-until.js';
import { type Host, startHost } from './host.js';

const SCRIPT = fileURLToPath(new URL('standalone.process.ts', import.meta.url));

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };

/** Far less than the 20 s and more that a leaked timer of lease or heartbeat would keep the process alive. */
const EXIT_DEADLINE_MS = 15_000;

describe('an application without an HTTP server', () => {
  let host: Host;

  beforeEach(async () => {
    Logger.overrideLogger(['fatal']);
    host = await startHost();
  });
  afterEach(() => host.dispose());

  const scriptEnv = (): NodeJS.ProcessEnv => ({
    ...process.env,
    DATABASE_URL: host.database.url,
    SMTP_URL: host.inbox.url,
    TEMPLATE_DIR: host.templates.dir,
  });
  const root = (options: Partial<MailingModuleOptions> = {}): Type => {
    @Module({ imports: [host.dataSource(), host.mailer(), host.mailing(options)] })
    class Root {}
    return Root;
  };
  const context = (options?: Partial<MailingModuleOptions>): Promise<INestApplicationContext> =>
    NestFactory.createApplicationContext(root(options), { logger: ['fatal'], abortOnError: false });

  it('E10 that is a script that boots, sends and closes exits by itself', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx/esm', SCRIPT], {
      env: scriptEnv(),
      timeout: EXIT_DEADLINE_MS,
      killSignal: 'SIGKILL',
    });
    expect(stdout).toBe('completed 1\n');
    expect(host.inbox.messages).toHaveLength(1);
  });

  it('E10 that is a script waits for a mailing that another process sends', async () => {
    let answer: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    host.inbox.answer = ({ command }) => (command === 'END' ? held.then(() => undefined) : undefined);
    const app = await context({ uniqServerId: 'shop:1' });
    const handle = await app
      .get(TemplateEmailSender, { strict: false })
      .sendEmailMessage(INFO, ['ann@home.example'], { idempotencyKey: 'one' });
    const script = spawn(process.execPath, ['--import', 'tsx/esm', SCRIPT], {
      env: { ...scriptEnv(), SERVER_ID: 'shop:2', KEY: 'one' },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 2 * EXIT_DEADLINE_MS,
    });
    const output = text(script.stdout);
    const exited = once(script, 'exit');
    await Promise.race([once(script.stdout, 'data'), exited]);
    // From now on it waits for its next look, and for nothing else.
    answer?.();
    expect(await exited).toEqual([0, null]);
    expect(await output).toBe('repeat\ncompleted 1\n');
    await handle.completed;
    await app.close();
    expect(host.inbox.messages).toHaveLength(1);
  }, 60_000);

  it('E10 has no heartbeat timer any more after the close', async () => {
    const heartbeatIntervalMs = 23;
    const timers = vi.spyOn(globalThis, 'setTimeout');
    // There is no public API that shows running timers.
    const due = (): unknown[] =>
      timers.mock.results
        .filter((_, call) => timers.mock.calls[call][1] === heartbeatIntervalMs)
        .filter(({ value }) => !(value as { _destroyed: boolean })._destroyed);
    try {
      const app = await context({ server: { heartbeatIntervalMs, leaseMs: 60_000 } });
      await waitUntil(() => due().length > 0, { what: 'a heartbeat that is due' });
      await app.close();
      expect(due()).toEqual([]);
    } finally {
      timers.mockRestore();
    }
  });

  it('A13 may be closed twice, at once and afterwards; the server is deregistered', async () => {
    const app = await context({ uniqServerId: 'shop:1' });
    await host.sends(app);
    const servers = host.database.dataSource.getRepository(MailServer);
    expect(await servers.countBy({ uniqServerId: 'shop:1' })).toBe(1);
    await Promise.all([app.close(), app.close()]);
    await app.close();
    expect(await servers.count()).toBe(0);
    const sender = app.get(TemplateEmailSender, { strict: false });
    await expect(sender.sendEmailMessage(host.info, ['ann@home.example'])).rejects.toMatchObject({
      code: 'MAILING_SERVER_SHUTTING_DOWN',
    });
  });

  it('that is closed and created again in one process works again', async () => {
    for (const round of [1, 2]) {
      const app = await context({ uniqServerId: 'shop:1' });
      await host.sends(app);
      await app.close();
      expect(host.inbox.messages).toHaveLength(round);
    }
  });
});
