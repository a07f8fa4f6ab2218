import { Injectable, Module } from '@nestjs/common';
import {
  EmailAddress,
  HostSilentError,
  type MailingTemplate,
  type RenderedEmail,
  SlotService,
  TemplateEmailRequestError,
  type TemplateRenderer,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import { waitUntil } from '../../support/wait-until.js';

@Injectable()
class Words {
  greeting = 'Dear';
}

@Injectable()
class Letters implements TemplateRenderer {
  constructor(private readonly words: Words) {}

  open(): Promise<MailingTemplate> {
    return Promise.resolve({
      content: {},
      render: async ({ email, subject = 'Hello' }) => {
        if (email === 'reader1@home.example') throw new Error('no words');
        return { subject: String(subject), text: `${this.words.greeting} ${String(email)}` };
      },
    });
  }
}

@Module({ providers: [Words], exports: [Words] })
class WordsModule {}

/** Renders when the test says so. */
class SlowLetters implements TemplateRenderer {
  readonly waiting: ((email: RenderedEmail) => void)[] = [];

  open(): Promise<MailingTemplate> {
    return Promise.resolve({
      content: {},
      render: () => new Promise<RenderedEmail>((resolve) => this.waiting.push(resolve)),
    });
  }

  begun(count: number): Promise<unknown> {
    return waitUntil(() => Promise.resolve(this.waiting.length >= count), {
      what: `${count} to be rendered`,
    });
  }
}

class QuickLetters implements TemplateRenderer {
  open(): Promise<MailingTemplate> {
    return Promise.resolve({ content: {}, render: () => ({ subject: 'Quick', text: 'Quick' }) });
  }
}

describe('a renderer of the host', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('may be provided by any module of the host, and an error that it throws fails one recipient', async () => {
    const module = { module: class HostModule {}, imports: [WordsModule], providers: [Letters] };
    const { sender } = await rig.boot({ renderer: Letters }, { imports: [module] });
    const { mailingId } = await sender.sendEmailMessage(INFO, people(3), {
      persist: true,
      runInSeparateThread: false,
    });
    expect((await rig.progress(mailingId as string)).byStatus).toEqual({ sent: 2, error: 1 });
    const texts = await Promise.all(rig.inbox.messages.map(async (one) => (await one.parsed()).text?.trim()));
    expect(new Set(texts)).toEqual(new Set(['Dear reader0@home.example', 'Dear reader2@home.example']));
  });

  it('may be a class that Nest instantiates', async () => {
    const { sender } = await rig.boot({ renderer: QuickLetters });
    await sender.sendEmailMessage(INFO, people(1), false);
    expect((await rig.inbox.messages[0].parsed()).subject).toBe('Quick');
  });

  it('that does not answer while slots are tried out is reported as silent, and its template is not called wrong', async () => {
    class MuteLetters implements TemplateRenderer {
      open(): Promise<MailingTemplate> {
        const slots = [{ slot: 'news', templateUrl: INFO.templateUrl }];
        return Promise.resolve({ content: {}, slots, render: () => never() });
      }
    }
    const app = await rig.boot({ renderer: MuteLetters, run: { hostCallTimeoutMs: 100 } });
    app.nest.get(SlotService).define('news', { persistent: true });
    const sending = app.sender.sendEmailMessage(
      { ...INFO, slots: { news: 'peaches' } },
      people(1),
      true,
      true,
    );
    await expect(sending).rejects.toThrow(HostSilentError);
    await expect(sending).rejects.toMatchObject({ call: 'MailingTemplate.render', timeoutMs: 100 });
  });

  it('that pauses a mailing at a restart leaves the reason', async () => {
    const first = await rig.boot({ renderer: QuickLetters });
    const later = { persist: true, sendAt: new Date('2099-01-01') };
    const { mailingId } = await first.sender.sendEmailMessage(INFO, people(1), later);
    await first.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET scheduled_at = NULL');
    class Gone extends TemplateEmailRequestError {
      readonly code = 'SHOP_GONE';
    }
    class NoLetters implements TemplateRenderer {
      open(): Promise<MailingTemplate> {
        return Promise.reject(new Gone('The letters are gone.'));
      }
    }
    await rig.boot({ renderer: NoLetters });
    expect((await rig.reached(mailingId as string, 'paused')).statusReason).toBe(
      'template: The letters are gone.',
    );
  });

  it('has to be a class', async () => {
    const renderer = new QuickLetters() as never;
    await expect(rig.boot({ renderer })).rejects.toMatchObject({
      code: 'MAILING_OPTIONS',
      option: 'renderer',
    });
  });
});

describe('a message that is still being rendered', () => {
  const rig = MailingRig.forEachTest('sqlite');

  async function booted(renderer: SlowLetters) {
    const module = {
      module: class HostModule {},
      providers: [{ provide: SlowLetters, useValue: renderer }],
    };
    return rig.boot(
      {
        renderer: SlowLetters,
        run: { concurrency: 2 },
        server: { heartbeatIntervalMs: 100, shutdownTimeoutMs: 100 },
      },
      { imports: [module] },
    );
  }

  const statuses = async (): Promise<string[]> =>
    (await rig.database.dataSource.getRepository(EmailAddress).find()).map(({ status }) => status);

  it('when the mailing is paused is not sent', async () => {
    const slow = new SlowLetters();
    const { sender } = await booted(slow);
    const { mailingId } = await sender.sendEmailMessage(INFO, people(5), { persist: true });
    await slow.begun(2);
    await sender.pause(mailingId as string);
    for (const done of slow.waiting) done({ subject: 'Late', text: 'Late' });
    await rig.reached(mailingId as string, 'paused');
    expect(await statuses()).toEqual(Array.from({ length: 5 }, () => 'pending'));
    expect(rig.inbox.messages).toHaveLength(0);
  });

  it('when the time limit of a shutdown has passed is returned to the list, and no recipient is in doubt', async () => {
    const slow = new SlowLetters();
    const app = await booted(slow);
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(5), { persist: true });
    await slow.begun(2);
    await app.close();
    expect(await statuses()).toEqual(Array.from({ length: 5 }, () => 'pending'));
    await rig.boot({ renderer: QuickLetters });
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 5);
  });
});
