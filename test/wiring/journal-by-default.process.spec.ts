import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplicationContext, Logger, type LoggerService, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MailingModuleOptions } from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../support/wait-until.js';
import { type Host, startHost } from './host.js';

describe('the journal of an application', () => {
  let host: Host;
  let state: string;
  let lines: string[];
  const stateHome = process.env.XDG_STATE_HOME;

  beforeEach(async () => {
    host = await startHost();
    lines = [];
    state = mkdtempSync(join(tmpdir(), 'mailing-state-'));
    process.env.XDG_STATE_HOME = state;
  });
  afterEach(async () => {
    Logger.overrideLogger(['fatal']);
    process.env.XDG_STATE_HOME = stateHome;
    await host.dispose();
    rmSync(state, { recursive: true });
  });

  const start = (options: Partial<MailingModuleOptions>): Promise<INestApplicationContext> => {
    @Module({ imports: [host.dataSource(), host.mailer(), host.mailing(options)] })
    class Root {}
    const note = (line: unknown): void => void lines.push(String(line));
    const logger = { log: note, warn: note, error: note, fatal: note } as unknown as LoggerService;
    return NestFactory.createApplicationContext(Root, { logger, abortOnError: false });
  };

  /** What the log says about the journal, of a start and a mailing. */
  const told = async (options: Partial<MailingModuleOptions> = {}): Promise<string[]> => {
    const app = await start(options);
    await host.sends(app);
    await app.close();
    expect(host.inbox.messages).toHaveLength(1);
    return lines.filter((line) => line.includes('journal'));
  };

  it('is kept in a folder of its own, which one line names, and is gone after an orderly end', async () => {
    const [line, ...more] = await told();
    expect(more).toEqual([]);
    expect(line).toBe(`the journal of this process is in ${folderIn(state)}`);
    expect(readdirSync(folderIn(state))).toEqual([]);
  });

  it('is a file while the application lives', async () => {
    const app = await start({});
    await waitUntil(() => readdirSync(folderIn(state)).length > 0, { what: 'the file' });
    expect(readdirSync(folderIn(state))).toEqual([expect.stringMatching(/\.journal$/)]);
    await app.close();
  });

  it('is none where its folder can not be made, which one line says, and mailings are sent', async () => {
    writeFileSync(join(state, 'nestjs-mailing'), '');
    const said = await told();
    expect(said).toEqual([expect.stringMatching(/^there is no journal, .*is no folder\. Name a folder/)]);
  });

  it('is none without a word where the host does not want one', async () => {
    expect(await told({ journal: false })).toEqual([]);
    expect(readdirSync(state)).toEqual([]);
  });

  it('is in the folder that an option names', async () => {
    const dir = join(state, 'named');
    expect(await told({ journal: { dir } })).toEqual([`the journal of this process is in ${dir}`]);
    expect(readdirSync(state)).toEqual(['named']);
  });
});

function folderIn(state: string): string {
  const ours = join(state, 'nestjs-mailing');
  const [name] = readdirSync(ours);
  return join(ours, name);
}
