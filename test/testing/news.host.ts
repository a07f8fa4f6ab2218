import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { MailingQuery, TemplateEmailSender } from 'nestjs-mailing';
import { MailingTesting, MailingTestingModule, type MailingTestingOptions } from 'nestjs-mailing/testing';
import { afterEach, beforeEach } from 'vitest';

export const INFO = {
  templateUrl: 'news.hbs',
  subject: 'News for {{name}}',
  from: 'The Corner Shop <news@shop.example>',
  params: { discount: 10 },
};

/** Applications of a host in tests of its own, one after the other. */
export class NewsHost {
  folder: string;
  mailing: MailingTesting;
  readonly #apps: TestingModule[] = [];

  /** Call it inside `describe`. */
  static forEachTest(): NewsHost {
    const host = new NewsHost();
    beforeEach(async () => {
      Logger.overrideLogger(false);
      host.mailing = new MailingTesting();
      host.folder = await mkdtemp(join(tmpdir(), 'mailing-news-'));
      await writeFile(join(host.folder, 'news.hbs'), '<p>Dear {{name}}: {{discount}} %</p>');
    });
    afterEach(async () => {
      for (const app of host.#apps.splice(0)) await app.close();
      await rm(host.folder, { recursive: true, force: true });
    });
    return host;
  }

  async start(
    options: Partial<MailingTestingOptions> = {},
    imports: ModuleMetadata['imports'] = [],
  ): Promise<TestingModule> {
    const module = MailingTestingModule.forRoot({
      templates: { dir: this.folder },
      testing: this.mailing,
      ...options,
    });
    return this.boot(Test.createTestingModule({ imports: [module, ...imports] }).compile());
  }

  async boot(compiling: Promise<TestingModule>): Promise<TestingModule> {
    const app = await compiling;
    this.#apps.push(app);
    return app.init();
  }

  get app(): TestingModule {
    return this.#apps.at(-1) as TestingModule;
  }

  get sender(): TemplateEmailSender {
    return this.app.get(TemplateEmailSender, { strict: false });
  }

  get query(): MailingQuery {
    return this.app.get(MailingQuery, { strict: false });
  }

  /** Addresses that got a message, in order. */
  get reached(): string[] {
    return this.mailing.sentMessages().map(({ to }) => to);
  }

  async send(recipients: string[], more: object = {}, options: object = {}): Promise<string> {
    const { mailingId } = await this.sender.sendEmailMessage({ ...INFO, ...more }, recipients, options);
    return mailingId as string;
  }
}

/** Made-up addresses. */
export function people(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `reader-${n + 1}@home.example`);
}
