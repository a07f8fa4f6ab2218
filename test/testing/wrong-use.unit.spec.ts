import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { MailingOptionsError } from 'nestjs-mailing';
import {
  MailingTesting,
  MailingTestingArgumentError,
  MailingTestingDriverError,
  MailingTestingModule,
  MailingTestingNotStartedError,
} from 'nestjs-mailing/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadDriver } from '../../libs/testing/src/memory.database.js';

const templates = { dir: join(import.meta.dirname, '../../src/newsletter/templates') };

describe('the testing part, used in a wrong way', () => {
  beforeEach(() => Logger.overrideLogger(false));

  it.each<[string, (mailing: MailingTesting) => unknown]>([
    ['failNext: failure', (mailing) => mailing.failNext('sometimes' as never)],
    ['failNext: failure', (mailing) => mailing.failNext({ code: 250, text: 'OK' })],
    ['failNext: failure', (mailing) => mailing.failNext({ code: 550 } as never)],
    ['failNext: failure', (mailing) => mailing.failNext(null as never)],
    ['failNext: times', (mailing) => mailing.failNext('temporary', 0)],
    ['killAfter: messages', (mailing) => mailing.killAfter(0.5)],
    ['clock.advance: ms', (mailing) => mailing.clock.advance(-1)],
    ['clock.advance: ms', (mailing) => mailing.clock.advance(Number.NaN)],
    ['clock.advance: ms', (mailing) => mailing.clock.advance('1 hour' as never)],
    ['driver', () => new MailingTesting({ driver: 'libsql' })],
    ['testing', () => MailingTestingModule.forRoot({ templates, testing: {} as never })],
  ])('names the argument: %s', (argument, call) => {
    const thrown = vi.fn<(mailing: MailingTesting) => unknown>(call);
    expect(() => thrown(new MailingTesting())).toThrow(MailingTestingArgumentError);
    expect(thrown.mock.results[0].value).toMatchObject({ argument });
  });

  it('flush and kill need an application that is running', async () => {
    const mailing = new MailingTesting();
    await expect(mailing.flush()).rejects.toThrow(MailingTestingNotStartedError);
    await expect(mailing.kill()).rejects.toThrow(MailingTestingNotStartedError);
    await expect(mailing.flush({ timeoutMs: 0 })).rejects.toThrow(MailingTestingArgumentError);
    const imports = [MailingTestingModule.forRoot({ templates, testing: mailing })];
    const app = await Test.createTestingModule({ imports }).compile();
    await expect(mailing.flush()).rejects.toThrow('await its init()');
    await app.init();
    await mailing.flush();
    await app.close();
    await expect(mailing.flush()).rejects.toThrow(MailingTestingNotStartedError);
  });

  it('wrong options of the plugin are refused as everywhere', async () => {
    const imports = [MailingTestingModule.forRoot({ templates, run: { concurrency: -1 } })];
    await expect(Test.createTestingModule({ imports }).compile()).rejects.toThrow(MailingOptionsError);
  });

  it('without a driver it says which to install', () => {
    const packages = ['no-such-driver', 'nor-such-driver'];
    expect(() => loadDriver(null, packages)).toThrow(MailingTestingDriverError);
    expect(() => loadDriver(null, packages)).toThrow(/npm install -D no-such-driver.*\.$/);
  });

  it('takes the class of a driver', async () => {
    const { default: libsql } = await import('libsql');
    let opened = 0;
    class Counted extends libsql {
      constructor(path: string) {
        super(path);
        opened++;
      }
    }
    const testing = new MailingTesting({ driver: Counted });
    const imports = [MailingTestingModule.forRoot({ templates, testing })];
    const app = await Test.createTestingModule({ imports }).compile();
    await app.init();
    await app.close();
    expect(opened).toBe(1);
  });
});
