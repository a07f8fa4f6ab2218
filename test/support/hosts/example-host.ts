import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MailerModule } from '@nestjs-modules/mailer';
import type { DynamicModule, ModuleMetadata, Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  mailingEntities,
  mailingMigrations,
  MailingQuery,
  type ReasonCount,
  TemplateEmailPreview,
  TemplateEmailSender,
} from 'nestjs-mailing';
import type { ObjectLiteral, Repository } from 'typeorm';
import { afterEach, beforeEach } from 'vitest';
import { dataSourceOptionsOf } from '../../../src/database/data-source.options.js';
import { MailingRig } from './mailing-rig.js';
import { toModule } from './page-examples.js';

/** The classes of an example, and its root module. */
export type Exports = Record<string, Type> & { itself: DynamicModule };

/** A host around the examples of a page: SQLite, a mail server, and a folder with the templates that they name. */
export class ExampleHost {
  folder: string;
  #app: TestingModule | null = null;
  #numExamples = 0;
  readonly #lent: string[] = [];

  private constructor(private readonly rig: MailingRig) {}

  /** Call it inside `describe`. */
  static forEachTest(rig: MailingRig): ExampleHost {
    const host = new ExampleHost(rig);
    beforeEach(async () => {
      host.folder = resolve(`test/package/.running-${process.pid}-${randomBytes(4).toString('hex')}`);
      await mkdir(join(host.folder, 'templates'), { recursive: true });
    });
    afterEach(async () => {
      await host.close();
      for (const name of host.#lent.splice(0)) Reflect.deleteProperty(globalThis, name);
      await rm(host.folder, { recursive: true, force: true });
    });
    return host;
  }

  /** The running application. */
  get app(): TestingModule {
    return this.#app as TestingModule;
  }

  /** Defines the names that an example uses without declaring them. */
  lend(things: Record<string, unknown>): void {
    this.#lent.push(...Object.keys(things));
    Object.assign(globalThis, things);
  }

  template(name: string, source: string): Promise<void> {
    return writeFile(join(this.folder, 'templates', name), source);
  }

  /** Runs an example from its first line to its last. */
  async run(code: string): Promise<Exports> {
    const classes = [...code.matchAll(/^(export )?class (\w+)/gm)].filter(([, isExported]) => !isExported);
    const named = code.replace(/^(MailingModule\.forRoot\()/m, 'export const itself = $1');
    const path = join(this.folder, `example-${this.#numExamples++}.ts`);
    await writeFile(path, `${toModule(named)}export { ${classes.map(([, , name]) => name).join(', ')} };\n`);
    return (await import(/* @vite-ignore */ path)) as Exports;
  }

  /**
   * Boots an application around the modules of an example, and provides its services to it.
   *
   * @param bringsMailer the example configures the mailer itself.
   */
  async mount(
    imports: ModuleMetadata['imports'] = [],
    providers: ModuleMetadata['providers'] = [],
    bringsMailer = false,
  ): Promise<TestingModule> {
    const mailer = MailerModule.forRoot({ transport: { url: this.rig.inbox.url, pool: true } });
    this.#app = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({
          ...dataSourceOptionsOf(this.rig.database.url),
          autoLoadEntities: true,
          migrations: mailingMigrations,
        }),
        ...(bringsMailer ? [] : [mailer]),
        ...imports,
      ],
      providers,
    }).compile();
    await this.#app.init();
    this.lend({
      sender: this.#app.get(TemplateEmailSender, { strict: false }),
      query: this.#app.get(MailingQuery, { strict: false }),
      previews: this.#app.get(TemplateEmailPreview, { strict: false }),
    });
    return this.#app;
  }

  /** Closes the running application. */
  async close(): Promise<void> {
    await this.#app?.close();
    this.#app = null;
  }

  /** Creates a table of the host with these rows. */
  async table(entity: Type, rows: object[]): Promise<Repository<ObjectLiteral>> {
    const entities = [...mailingEntities, entity];
    const dataSource = await this.rig.database.connect({ entities, synchronize: true });
    const repository: Repository<ObjectLiteral> = dataSource.getRepository(entity);
    await repository.save(rows);
    return repository;
  }

  /** Html by recipient, once so many messages have arrived. */
  async received(count: number): Promise<Record<string, string>> {
    await this.rig.inbox.waitFor(count);
    const all = this.rig.inbox.messages.map(async (one) => [
      one.to[0],
      String((await one.parsed()).html).trim(),
    ]);
    return Object.fromEntries(await Promise.all(all)) as Record<string, string>;
  }

  /** @returns the id of the newest mailing, once it is completed. */
  async completed(): Promise<string> {
    const [{ mailingId }] = await this.app.get(MailingQuery, { strict: false }).list();
    await this.rig.reached(mailingId, 'completed');
    return mailingId;
  }

  reasons(mailingId: string): Promise<ReasonCount[]> {
    return this.app.get(MailingQuery, { strict: false }).reasons(mailingId);
  }
}
