import { kindOf } from '../values/value-kind.js';
import { publicReasonOf } from '../values/public-text.js';
import { keepUnprinted, MailingError, inspectValue } from '../errors/mailing.error.js';

/** An option of `MailingModule.forRoot` is out of its bounds or contradicts another one. */
export class MailingOptionsError extends MailingError {
  readonly code = 'MAILING_OPTIONS';

  constructor(
    /** Path of the option, for example `run.concurrency`. */
    readonly option: string,
    expected: string,
    readonly value: unknown,
    /** In words, because the value may be a secret in the wrong place. */
    got = kindOf(value),
    nextStep = 'Correct it where the host calls MailingModule.forRoot or forRootAsync.',
  ) {
    super(`MailingModule: expected ${option} to be ${expected}, got ${got}. ${nextStep}`);
    keepUnprinted(this);
  }
}

/** The folder of the option `attachments.store` can't be written to. */
export class AttachmentFolderError extends MailingError {
  readonly code = 'MAILING_ATTACHMENT_FOLDER';

  constructor(
    readonly dir: string,
    cause: unknown,
  ) {
    super(
      `MailingModule: expected attachments.store.dir to be a folder that this process can write to and read from, got ${inspectValue(dir)}, ` +
        `which answers: ${publicReasonOf(cause)}. ` +
        'Give the process the rights, free space there, mount the share, or correct the option.',
      { cause },
    );
  }
}

/** The factory, class or promise that `forRootAsync` was given failed. */
export class MailingOptionsFactoryError extends MailingError {
  readonly code = 'MAILING_OPTIONS_FACTORY';

  constructor(cause: unknown) {
    super(
      `MailingModule.forRootAsync: the options factory failed: ${publicReasonOf(cause)}. ` +
        'Correct the factory, or the configuration it reads.',
      { cause },
    );
  }
}

/** A secret for signing unsubscribe links is missing, too short or not a text. */
export class UnsubscribeSecretError extends MailingError {
  readonly code = 'MAILING_UNSUBSCRIBE_SECRET';

  constructor(
    /** In words, never the secret itself. */
    readonly got: string,
  ) {
    super(
      `UnsubscribeTokens: expected one or more secrets of at least 32 characters, got ${got}. ` +
        'Give a random text, for example that of: openssl rand -base64 48.',
    );
  }
}

/** The data source named in the options is not registered in the host. */
export class MailingDataSourceMissingError extends MailingError {
  readonly code = 'MAILING_DATA_SOURCE_MISSING';

  constructor(readonly dataSource: string) {
    super(
      `MailingModule: expected a TypeORM data source named ${inspectValue(dataSource)}, but the application has none. ` +
        'Import TypeOrmModule.forRoot with this name, or set the option dataSource to the name it has.',
    );
    keepUnprinted(this, 'dataSource');
  }
}

/** The entities of the plugin are not part of the data source. */
export class MailingEntitiesMissingError extends MailingError {
  readonly code = 'MAILING_ENTITIES_MISSING';

  constructor(
    readonly dataSource: string,
    readonly entities: string[],
  ) {
    super(
      `MailingModule: expected the data source ${inspectValue(dataSource)} to know the entities ${entities.join(', ')}, but it does not. ` +
        'Add mailingEntities to the entities of TypeOrmModule.forRoot, or set autoLoadEntities: true.',
    );
  }
}

/** The tables of the plugin are missing or of another version. */
export class MailingMigrationsMissingError extends MailingError {
  readonly code = 'MAILING_MIGRATIONS_MISSING';

  constructor(
    readonly table: string,
    cause: unknown,
  ) {
    super(
      `MailingModule: expected the table ${table} with the columns of this version, but the database answers: ` +
        `${publicReasonOf(cause)}. ` +
        'Add mailingMigrations to the migrations of the data source and run them (migration:run, or migrationsRun: true).',
      { cause },
    );
  }
}

/** The plugin has no SQL for the driver of the data source. */
export class UnsupportedDatabaseError extends MailingError {
  readonly code = 'MAILING_DATABASE_UNSUPPORTED';

  constructor(readonly type: string) {
    super(
      `MailingModule: expected a data source of type mysql, mariadb, postgres or better-sqlite3, got ${inspectValue(type)}. ` +
        'Give the plugin a data source of one of these types by the option dataSource.',
    );
  }
}

/** `MailerModule` of `@nestjs-modules/mailer` is not imported. */
export class MailerMissingError extends MailingError {
  readonly code = 'MAILING_MAILER_MISSING';

  constructor() {
    super(
      'MailingModule: expected MailerService of @nestjs-modules/mailer, but the application has none. ' +
        'Import MailerModule.forRoot({ transport: … }) in the root module, or give a sender of your own by the option messageSender.',
    );
  }
}

/** The installed nodemailer is older than the plugin needs. */
export class NodemailerVersionError extends MailingError {
  readonly code = 'MAILING_NODEMAILER_VERSION';

  constructor(
    /** The installed version. */
    readonly version: string,
    expected: string,
  ) {
    super(
      `MailingModule: expected nodemailer ${expected} or later, got ${version}. Run "npm install nodemailer@^${expected}" and start again.`,
    );
  }
}

/** `MailerModule` has no adapter for a template engine, and the option `renderer` asks for it. */
export class MailerAdapterMissingError extends MailingError {
  readonly code = 'MAILING_MAILER_ADAPTER_MISSING';

  constructor() {
    super(
      'MailerAdapterRenderer: expected MailerModule to have an adapter for a template engine, but it has none. ' +
        'Give it one, for example template: { adapter: new PugAdapter() }, or leave the option renderer out.',
    );
  }
}

/** The mailer has no transport of the name given in the options. */
export class TransporterMissingError extends MailingError {
  readonly code = 'MAILING_TRANSPORTER_MISSING';

  constructor(readonly transporterName: string) {
    super(
      `MailingModule: expected the mailer to have a transport named ${inspectValue(transporterName)}, but it has none. ` +
        'Add it to transports of MailerModule.forRoot, or correct the option transporterName.',
    );
    keepUnprinted(this, 'transporterName');
  }
}

/** The entity that profiles are read from is not part of the data source. */
export class ProfileEntityMissingError extends MailingError {
  readonly code = 'MAILING_PROFILE_ENTITY_MISSING';

  constructor(readonly entity: string) {
    super(
      `TypeOrmProfileRepository: expected the data source to know the entity ${entity}, but it does not. ` +
        'Add it to the entities of TypeOrmModule.forRoot, or name its data source by the mapping dataSource.',
    );
  }
}

/** Columns that profiles are read from do not exist. */
export class ProfileColumnsMissingError extends MailingError {
  readonly code = 'MAILING_PROFILE_COLUMNS_MISSING';

  constructor(
    readonly entity: string,
    readonly columns: string[],
    known: string[],
  ) {
    super(
      `TypeOrmProfileRepository: expected the entity ${entity} to have the columns ${columns.join(', ')}, ` +
        `but it has ${known.join(', ')}. Correct the mapping; columns are named as the properties of the entity.`,
    );
  }
}

/** The folder of the journal can't be used. */
export class JournalFolderError extends MailingError {
  readonly code = 'MAILING_JOURNAL_FOLDER';

  constructor(
    readonly dir: string,
    cause: unknown,
  ) {
    super(
      `MailingModule: expected journal.dir to be a folder in which this process can make files, got ${inspectValue(dir)}, ` +
        `which answers: ${publicReasonOf(cause)}. Give the process the rights, or correct the option.`,
      { cause },
    );
  }
}

/** `bulkSmtp` is on, but the host's mailer has a feature that bulk SMTP does not support. */
export class BulkSmtpUnsupportedError extends MailingError {
  readonly code = 'MAILING_BULK_SMTP_UNSUPPORTED';

  constructor(
    /** The feature, in words. */
    readonly hindrance: string,
  ) {
    super(
      `MailingModule: expected bulkSmtp to find a plain SMTP transport in the mailer, got one with ${hindrance}, ` +
        'which would be passed by. Take bulkSmtp away, so that messages go through the mailer, or take that from the mailer.',
    );
  }
}
