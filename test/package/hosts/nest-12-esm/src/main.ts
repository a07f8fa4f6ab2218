import 'reflect-metadata';
import { join } from 'node:path';
import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import libsql from 'libsql';
import { MailingModule, mailingMigrations, TemplateEmailSender } from 'nestjs-mailing';

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      driver: libsql,
      database: process.env.DATABASE_FILE ?? 'mailing.sqlite',
      prepareDatabase: (connection: libsql.Database) => {
        connection.pragma('journal_mode = WAL');
        connection.pragma('synchronous = FULL');
      },
      autoLoadEntities: true,
      migrations: mailingMigrations,
      migrationsRun: true,
    }),
    MailerModule.forRoot({
      transport: { url: process.env.SMTP_URL ?? 'smtp://localhost:1025', pool: true },
    }),
    MailingModule.forRoot({
      templates: { dir: join(import.meta.dirname, '../templates') },
    }),
  ],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule);
app.enableShutdownHooks();

const { completed } = await app.get(TemplateEmailSender).sendEmailMessage(
  {
    templateUrl: 'hello.hbs',
    subject: 'Hello {{name}}',
    from: 'The Corner Shop <news@shop.example>',
    params: { discount: 10 },
  },
  [{ email: 'ann@home.example', name: 'Ann' }, 'bob@home.example'],
  { persist: true },
);
console.log(await completed);
await app.close();
