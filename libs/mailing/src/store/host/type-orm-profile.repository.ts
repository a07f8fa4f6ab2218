import { domainToUnicode } from 'node:url';
import { Inject, Optional, type Type } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource, EntityTarget, ObjectLiteral, QueryRunner, Repository } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { MAILING_DATA_SOURCE } from '../../model/options/data-source.token.js';
import { checkedTexts } from '../../model/errors/argument.check.js';
import { InvalidArgumentError } from '../../model/errors/argument.errors.js';
import type { ProfileMapping, ProfileWord } from '../../model/ports/profile-mapping.js';
import type { ProfileRepository, RecipientProfile } from '../../model/ports/profile.repository.js';
import {
  MailingDataSourceMissingError,
  ProfileColumnsMissingError,
  ProfileEntityMissingError,
} from '../../model/options/setup.errors.js';
import { withGuardedRunner } from '../connections/guarded-runner.js';
import { ProfileIdColumn } from './profile-id.column.js';
import { queueOf } from '../database/serial-queue.js';
import { againAfterConflicts } from '../database/transaction-repeats.js';

/** Keys per statement: SQLite takes 32,766 parameters, the others 65,535. A commit has far fewer. */
const MAX_PARAMETERS = 30_000;
/** Maximum length of an id or an address. */
const MAX_KEY_LENGTH = 2_000;

/**
 * Profiles in a table of the host, read and written by its entity.
 *
 * A column that the mapping leaves out is not written either: without `lastEmailed` there is no `setLastEmailed`.
 */
export class TypeOrmProfileRepository<T extends ObjectLiteral> implements ProfileRepository {
  readonly setEmailStatus?: (emails: string[], status: 'valid' | 'invalid') => Promise<void>;
  readonly setLastEmailed?: (ids: string[], at: Date) => Promise<void>;
  readonly setReceiveEmail?: (ids: string[], receive: boolean) => Promise<void>;
  readonly #repository: Repository<T>;
  readonly #id: ProfileIdColumn;
  readonly #selected: string[];
  readonly #data: readonly string[];

  /** @throws ProfileEntityMissingError, ProfileColumnsMissingError */
  constructor(
    private readonly dataSource: DataSource,
    entity: EntityTarget<T>,
    private readonly mapping: ProfileMapping<T>,
  ) {
    if (!dataSource.hasMetadata(entity)) throw new ProfileEntityMissingError(nameOf(entity));
    this.#repository = dataSource.getRepository(entity);
    const { primaryColumns } = this.#repository.metadata;
    const mapped = columnsOf(mapping);
    this.#data = mapping.data ?? mapped;
    const named = [...new Set([...mapped, ...this.#data])];
    this.#id = new ProfileIdColumn(this.#checked(named).get(mapping.id) as ColumnMetadata, dataSource);
    // TypeORM tells rows apart by the primary key.
    this.#selected = [...new Set([...primaryColumns.map((column) => column.propertyPath), ...named])];
    const { emailStatus, receiveEmail, lastEmailed } = mapping;
    if (emailStatus) {
      this.setEmailStatus = async (emails, status) => {
        if (status !== 'valid' && status !== 'invalid')
          throw new InvalidArgumentError('setEmailStatus: status', 'valid or invalid', status);
        const word = status === 'valid' ? emailStatus.valid : wordsOf(emailStatus.invalid)[0];
        const checked = await checkedTexts('setEmailStatus: emails', emails, MAX_KEY_LENGTH);
        await this.#writeByEmail(checked, emailStatus.column, word);
      };
    }
    if (receiveEmail) {
      this.setReceiveEmail = async (ids, receive) => {
        if (typeof receive !== 'boolean')
          throw new InvalidArgumentError('setReceiveEmail: receive', 'true or false', receive);
        const word = receive ? receiveEmail.yes : wordsOf(receiveEmail.no)[0];
        const checked = await checkedTexts('setReceiveEmail: ids', ids, MAX_KEY_LENGTH);
        await this.#writeById(checked, receiveEmail.column, word);
      };
    }
    if (lastEmailed) {
      // An older date must not replace a newer one, which would shorten the fatigue window: groups may arrive late and out of order.
      const older = `(${this.#sql(lastEmailed)} IS NULL OR ${this.#sql(lastEmailed)} < :at)`;
      this.setLastEmailed = async (ids, at) => {
        if (!(at instanceof Date) || Number.isNaN(at.getTime()))
          throw new InvalidArgumentError('setLastEmailed: at', 'a valid Date', at);
        const checked = await checkedTexts('setLastEmailed: ids', ids, MAX_KEY_LENGTH);
        await this.#writeById(checked, lastEmailed, at, older, { at });
      };
    }
  }

  /**
   * A class for the option `profileRepository`.
   *
   * @param entity an entity of the host.
   * @param mapping which of its columns hold what.
   * @throws ProfileEntityMissingError, ProfileColumnsMissingError at the start of the application.
   *
   * @example
   * ```ts
   * MailingModule.forRoot({
   *   templates: { dir: join(import.meta.dirname, 'templates') },
   *   profileRepository: TypeOrmProfileRepository.of(Customer, { id: 'id', email: 'email', name: 'name' }),
   * });
   * ```
   */
  static of<T extends ObjectLiteral>(
    entity: EntityTarget<T>,
    mapping: ProfileMapping<T>,
  ): Type<TypeOrmProfileRepository<T>> {
    const { dataSource } = mapping;
    class MappedProfileRepository extends TypeOrmProfileRepository<T> {
      constructor(first?: DataSource, second?: DataSource) {
        const found = first ?? second;
        if (!found) throw new MailingDataSourceMissingError(dataSource ?? 'default');
        super(found, entity, mapping);
      }
    }
    // If the plugin creates the class, the plugin's data source is injected; a class that the host registers itself gets the default one.
    const tokens =
      dataSource === undefined
        ? [MAILING_DATA_SOURCE, getDataSourceToken()]
        : [getDataSourceToken(dataSource), getDataSourceToken(dataSource)];
    for (const [at, token] of tokens.entries()) {
      Inject(token)(MappedProfileRepository, undefined, at);
      Optional()(MappedProfileRepository, undefined, at);
    }
    return MappedProfileRepository;
  }

  /** One query for all ids of a commit. */
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    const asked = this.#id.holdable(await checkedTexts('findByIds: ids', ids, MAX_KEY_LENGTH));
    const found = new Map<string, RecipientProfile>();
    await this.#inChunks([...asked.values()], true, async (chunk, runner) => {
      const rows = await this.#repository
        .createQueryBuilder('profile', runner)
        .select(this.#selected.map((column) => `profile.${column}`))
        .where(`profile.${this.mapping.id} IN (:...chunk)`, { chunk })
        .getMany();
      for (const row of rows) {
        const id = asked.get(this.#id.keyOf(row[this.mapping.id]));
        // A case-insensitive database finds more ids than were given.
        if (id !== undefined) found.set(id, this.#toProfile(row));
      }
    });
    return found;
  }

  #toProfile(row: T): RecipientProfile {
    const { email, name, emailStatus, receiveEmail, lastEmailed, locale } = this.mapping;
    const names =
      name === undefined ? [] : wordsOf<string>(name).map((column) => textOf(row[column])?.trim());
    const last = lastEmailed && row[lastEmailed];
    return {
      email: textOf(row[email]) ?? null,
      name: names.filter(Boolean).join(' ') || undefined,
      emailStatus: emailStatus && isOneOf(emailStatus.invalid, row[emailStatus.column]) ? 'invalid' : 'valid',
      receiveEmail: !(receiveEmail && isOneOf(receiveEmail.no, row[receiveEmail.column])),
      lastEmailed: last ? new Date(last) : null,
      locale: locale && textOf(row[locale]),
      data: Object.fromEntries(this.#data.map((column) => [column, row[column]])),
    };
  }

  /** Ignores letter case, and whether a domain is spelled in ASCII. */
  async #writeByEmail(emails: string[], column: string, value: unknown): Promise<void> {
    const spellings = [...new Set(emails.flatMap(spellingsOf))];
    await this.#write(`LOWER(${this.#sql(this.mapping.email)}) IN (:...chunk)`, spellings, column, value);
  }

  async #writeById(
    ids: string[],
    column: string,
    value: unknown,
    condition = '1 = 1',
    parameters: ObjectLiteral = {},
  ): Promise<void> {
    const where = `${this.#sql(this.mapping.id)} IN (:...chunk) AND ${condition}`;
    await this.#write(where, [...this.#id.holdable(ids).values()], column, value, parameters);
  }

  #write(
    where: string,
    keys: string[],
    column: string,
    value: unknown,
    parameters: ObjectLiteral = {},
  ): Promise<void> {
    return this.#inChunks(keys, false, async (chunk, runner) => {
      const change = this.#repository.createQueryBuilder(undefined, runner).update();
      await change
        // One driver of SQLite treats a null parameter as a list of named ones.
        .set({ [column]: value ?? (() => 'NULL') } as object)
        .where(where, { chunk, ...parameters })
        .updateEntity(false)
        .execute();
    });
  }

  async #inChunks(
    keys: string[],
    isRead: boolean,
    statement: (chunk: string[], runner: QueryRunner) => Promise<void>,
  ): Promise<void> {
    for (let first = 0; first < keys.length; first += MAX_PARAMETERS) {
      const chunk = keys.slice(first, first + MAX_PARAMETERS);
      const run = (): Promise<void> =>
        // Repeatable: each statement is a transaction of its own, and a repeated change sets the same values.
        againAfterConflicts(() =>
          withGuardedRunner(this.dataSource, (runner) => statement(chunk, runner), { isRead }),
        );
      // SQLite has one connection for all: without the queue, this statement could become part of a commit's transaction.
      const isShared = this.dataSource.options.type === 'better-sqlite3';
      await (isShared ? queueOf(this.dataSource).run(run) : run());
    }
  }

  #checked(named: string[]): Map<string, ColumnMetadata> {
    const { name, columns } = this.#repository.metadata;
    const known = new Map(columns.map((column) => [column.propertyPath, column]));
    const missing = named.filter((column) => !known.has(column));
    if (missing.length > 0) throw new ProfileColumnsMissingError(name, missing, [...known.keys()]);
    return known;
  }

  #sql(property: string): string {
    const column = this.#repository.metadata.findColumnWithPropertyPath(property) as ColumnMetadata;
    return this.dataSource.driver.escape(column.databaseName);
  }
}

function columnsOf<T>(mapping: ProfileMapping<T>): string[] {
  const { id, email, name, emailStatus, receiveEmail, lastEmailed, locale } = mapping;
  const columns = [id, email, ...wordsOf<string>(name), emailStatus?.column, receiveEmail?.column];
  return [...columns, lastEmailed, locale].filter((column) => column !== undefined);
}

function wordsOf<W>(words: W | readonly W[] | undefined): readonly W[] {
  if (words === undefined) return [];
  return Array.isArray(words) ? (words as readonly W[]) : [words as W];
}

/** Drivers read numbers and flags differently: 0 may come as 0, '0' or false if the host declares a number. */
function isOneOf(words: ProfileWord | readonly ProfileWord[], value: unknown): boolean {
  return wordsOf<ProfileWord>(words).some(
    (word) => word === value || (word !== null && value !== null && spelled(word) === spelled(value)),
  );
}

function spelled(value: unknown): string {
  return String(typeof value === 'boolean' ? Number(value) : value);
}

function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value as string);
}

function spellingsOf(email: string): string[] {
  const small = email.toLowerCase();
  const at = small.lastIndexOf('@') + 1;
  return [small, small.slice(0, at) + domainToUnicode(small.slice(at))];
}

function nameOf(entity: EntityTarget<ObjectLiteral>): string {
  if (typeof entity === 'function') return entity.name;
  if (typeof entity === 'string') return entity;
  return 'options' in entity ? entity.options.name : entity.name;
}
