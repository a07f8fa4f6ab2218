import { MailerService } from '@nestjs-modules/mailer';
import { Logger } from '@nestjs/common';
import { Mailing, MailingEvents } from 'nestjs-mailing';
import { MailingTestingRunningError, ProcessKilledError } from 'nestjs-mailing/testing';
import { DataSource } from 'typeorm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { NewsHost, people } from './news.host.js';

describe('a kill in a test', () => {
  const host = NewsHost.forEachTest();

  it('another server takes the mailing over', async () => {
    await host.start({ uniqServerId: 'a' });
    host.mailing.killAfter(1);
    const mailingId = await host.send(people(3));
    await host.mailing.flush();
    await host.start({ uniqServerId: 'b', migrationList: ['a'] });
    await host.mailing.flush();
    expect(host.reached).toEqual(people(3));
    expect(await host.query.get(mailingId)).toMatchObject({ status: 'completed', numSent: 2, numErrors: 1 });
  });

  it('a server that may not take it over leaves it alone, and flush does not wait for it', async () => {
    await host.start({ uniqServerId: 'a' });
    host.mailing.killAfter(1);
    const mailingId = await host.send(people(3));
    await host.mailing.flush();
    await host.start({ uniqServerId: 'b' });
    await host.mailing.flush();
    expect(await host.query.get(mailingId)).toMatchObject({ status: 'in_progress' });
  });

  it('with inDoubt resend, the recipient in doubt gets a second copy', async () => {
    await host.start();
    host.mailing.killAfter(2);
    await host.send(people(3));
    await host.mailing.flush();
    await host.start({ inDoubt: 'resend' });
    await host.mailing.flush();
    expect([...host.reached].sort()).toEqual([...people(3), 'reader-2@home.example'].sort());
  });

  it('a list that was being written has failed, and no other server waits for it', async () => {
    await host.start({ uniqServerId: 'a' });
    let isRead = (): void => {};
    const reading = new Promise<void>((resolve) => (isRead = resolve));
    async function* endless(): AsyncGenerator<string> {
      yield 'ann@home.example';
      isRead();
      await new Promise(() => {});
    }
    const info = { templateUrl: 'news.hbs', subject: 'News', from: 'news@shop.example' };
    const sending = host.sender.sendEmailMessage(info, endless(), { persist: true });
    sending.catch(() => undefined);
    await reading;
    await host.mailing.kill();
    await expect(sending).rejects.toThrow();
    await host.start({ uniqServerId: 'b' });
    await host.mailing.flush();
    expect(await host.query.list()).toMatchObject([{ status: 'loading' }]);
    await host.app.close();
    await host.start({ uniqServerId: 'a' });
    await host.mailing.flush();
    expect(await host.query.list()).toMatchObject([{ status: 'failed' }]);
    expect(host.reached).toEqual([]);
  });

  it('batches of the dead go on, too', async () => {
    const server = { batch: { emailsPerBatch: 2, numBatchThreads: 1 } };
    await host.start(server);
    host.mailing.killAfter(3);
    const mailingId = await host.send(people(6), { batched: true });
    await host.mailing.flush();
    await host.start(server);
    await host.mailing.flush();
    expect([...host.reached].sort()).toEqual(people(6));
    expect(await host.query.get(mailingId)).toMatchObject({ status: 'completed', numSent: 5, numErrors: 1 });
  });

  it('rolls back what was not committed, and lets nothing through afterwards', async () => {
    await host.start();
    const dataSource = host.app.get(DataSource, { strict: false });
    const runner = dataSource.createQueryRunner();
    const mailings = async (): Promise<number> =>
      host.app.get(DataSource, { strict: false }).getRepository(Mailing).count();
    const mailingId = await host.send(people(1));
    await host.mailing.flush();
    await runner.startTransaction();
    await runner.manager.delete(Mailing, mailingId);
    const { sender } = host;
    await host.mailing.kill();
    await expect(dataSource.getRepository(Mailing).count()).rejects.toMatchObject({
      driverError: expect.any(ProcessKilledError) as object,
    });
    const mailer = host.app.get(MailerService, { strict: false });
    await host.start();
    await expect(mailer.sendMail({ to: 'late@home.example' })).rejects.toThrow(ProcessKilledError);
    expect(await mailings()).toBe(1);
    const late = { templateUrl: 'news.hbs', subject: 'Late', from: 'news@shop.example' };
    await expect(sender.sendEmailMessage(late, people(1), { persist: true })).rejects.toThrow();
    expect(await mailings()).toBe(1);
    await host.mailing.flush();
    expect(host.reached).toHaveLength(1);
  });

  it('the dead say nothing, neither to listeners nor to the log', async () => {
    await host.start();
    const error = vi.spyOn(Logger.prototype, 'error');
    const warn = vi.spyOn(Logger.prototype, 'warn');
    onTestFinished(() => void vi.restoreAllMocks());
    const told: string[] = [];
    const events = host.app.get(MailingEvents, { strict: false });
    await host.send(people(5));
    for (const name of ['run:fenced', 'run:ended', 'server:error', 'server:lost'] as const)
      events.on(name, () => void told.push(name));
    await host.mailing.kill();
    await host.app.close();
    expect([told, error.mock.calls, warn.mock.calls]).toEqual([[], [], []]);
  });

  it('an application that was closed in good order leaves nothing in doubt, and the next one has its data', async () => {
    await host.start();
    const mailingId = await host.send(people(5));
    await host.app.close();
    await host.start();
    await host.mailing.flush();
    expect(host.reached).toEqual(people(5));
    expect(await host.query.get(mailingId)).toMatchObject({ status: 'completed', numSent: 5 });
  });

  it('two applications at a time on one database in memory are refused', async () => {
    await host.start();
    await expect(host.start()).rejects.toThrow(MailingTestingRunningError);
    await host.mailing.flush();
  });
});
