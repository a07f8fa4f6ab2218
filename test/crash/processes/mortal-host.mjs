// A host of the built package, made for processes that a test or they themselves kill.
import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule } from '../../../dist/libs/mailing/src/index.js';
import { noFaultPoints } from '../../../dist/libs/mailing/src/model/ports/fault-points.js';
import { dataSourceOptionsOf } from '../../../dist/src/database/data-source.options.js';

const { env } = process;

/** The root module of a host whose mailing module has these options, and so many connections to the mail server. */
export function hostWith(options, maxConnections) {
  class Root {}
  Module({
    imports: [
      TypeOrmModule.forRoot({ ...dataSourceOptionsOf(env.DATABASE_URL), autoLoadEntities: true }),
      MailerModule.forRoot({ transport: { url: env.SMTP_URL, pool: true, maxConnections } }),
      MailingModule.forRoot({ templates: { dir: env.TEMPLATE_DIR }, ...options }),
    ],
  })(Root);
  return Root;
}

/** This process kills itself at the visit MAILING_DIE_ON of the fault point MAILING_DIE_AT. */
export function dieAtFaultPoint() {
  let visits = 0;
  noFaultPoints.reach = (point) => {
    if (point === env.MAILING_DIE_AT && ++visits === Number(env.MAILING_DIE_ON)) {
      process.kill(process.pid, 'SIGKILL');
    }
  };
}
