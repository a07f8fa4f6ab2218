import type { ObjectLiteral, QueryRunner, SelectQueryBuilder } from 'typeorm';
import { dataSourceOf } from '../../model/tables/data-source-of.js';
import type { Recipient } from '../../model/mail/recipient.js';
import { RecipientQueryError } from '../../model/mail/recipient-query.error.js';
import { withGuardedRunner } from '../connections/guarded-runner.js';
import { againAfterConflicts } from '../database/transaction-repeats.js';

/** How a query is read. */
export interface RecipientQueryOptions<Row> {
  /** Property of the entity that is unique and orders the list: its primary key. It is the `userId` of each recipient. */
  id: Extract<keyof Row, string>;
  /** Rows of one statement. Default: 1,000. Bounds: 1 to 10,000. Too low: many statements. Too high: so many rows in memory. */
  pageSize?: number;
  /** Makes a recipient from a row, for example an address with data. It gets the entity with all that the query selects. Default: `{ userId }`. */
  toRecipient?: (row: Row) => Recipient;
}

const ID = 'mailing_recipient_id';
const AFTER = 'mailingRecipientsAfter';
const PAGE = 'mailingRecipientsOfPage';

/**
 * Reads a list of recipients from a query of the host, one page of keys at a time, in constant memory.
 *
 * Each page begins after the last key of the page before, so rows that come or go meanwhile never shift the others: each row that exists all the
 * while comes once, in order of `id`. Joins and conditions stay as they are; a row that a join multiplies comes once. The builder is not changed.
 * With `toRecipient` each page costs a second statement.
 *
 * @throws RecipientQueryError if the query has an order, a limit or an offset of its own, or an option is out of its bounds.
 * @example
 * ```ts
 * constructor(@InjectRepository(Customer) private readonly customers: Repository<Customer>, private readonly sender: TemplateEmailSender) {}
 *
 * async greet(info: TemplateEmailInfo): Promise<void> {
 *   const query = this.customers.createQueryBuilder('customer').where('customer.name LIKE :name', { name: 'A%' });
 *   await this.sender.sendEmailMessage(info, recipientsFromQuery(query, { id: 'id' }), { persist: true });
 * }
 * ```
 */
export function recipientsFromQuery<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  options: RecipientQueryOptions<Row>,
): AsyncGenerator<Recipient, void, undefined> {
  checkQuery(query, options);
  return read(query, options);
}

async function* read<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  { id, pageSize = DEFAULT_PAGE_SIZE, toRecipient }: RecipientQueryOptions<Row>,
): AsyncGenerator<Recipient, void, undefined> {
  let after: unknown = null;
  for (;;) {
    const keys = await pageOfKeys(query, id, after, pageSize);
    if (toRecipient && keys.length > 0) {
      for (const row of await rowsOf(query, id, keys)) yield toRecipient(row);
    } else {
      for (const key of keys) yield { userId: String(key) };
    }
    if (keys.length < pageSize) return;
    after = keys.at(-1);
  }
}

async function pageOfKeys<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  id: string,
  after: unknown,
  pageSize: number,
): Promise<unknown[]> {
  const column = `${query.alias}.${id}`;
  const page = after === null ? query.clone() : narrowed(query, `${column} > :${AFTER}`, { [AFTER]: after });
  page.select(column, ID).distinct(true).orderBy(column, 'ASC').limit(pageSize);
  const rows = await guarded(page, () => page.getRawMany<{ [ID]: unknown }>());
  return rows.map((row) => row[ID]);
}

/** Reads the rows of these keys. A row that was deleted since its key was read is left out. */
function rowsOf<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  id: string,
  keys: unknown[],
): Promise<Row[]> {
  const column = `${query.alias}.${id}`;
  const page = narrowed(query, `${column} IN (:...${PAGE})`, { [PAGE]: keys }).orderBy(column, 'ASC');
  return guarded(page, () => page.getMany());
}

/** Uses the runner that the host gave its query, if it did. The runner is guarded, because keys may be texts that people chose. */
function guarded<Row extends ObjectLiteral, T>(
  page: SelectQueryBuilder<Row>,
  ask: () => Promise<T>,
): Promise<T> {
  const { queryRunner } = page as unknown as { queryRunner?: QueryRunner };
  const job = (runner: QueryRunner): Promise<T> => {
    page.setQueryRunner(runner);
    return ask();
  };
  const read = (): Promise<T> =>
    withGuardedRunner(dataSourceOf(page), job, { given: queryRunner, isRead: true });
  // The plugin can't repeat a transaction of the host.
  return queryRunner ? read() : againAfterConflicts(read);
}

/** The query with one more condition. The query's own conditions are put in brackets; otherwise an OR among them would let rows pass the new one. */
function narrowed<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  condition: string,
  parameters: ObjectLiteral,
): SelectQueryBuilder<Row> {
  const page = query.clone();
  const { wheres } = page.expressionMap;
  if (wheres.length > 0) {
    page.expressionMap.wheres = [{ type: 'simple', condition: { operator: 'brackets', condition: wheres } }];
  }
  return page.andWhere(condition, parameters);
}

const DEFAULT_PAGE_SIZE = 1_000;
const MAX_PAGE_SIZE = 10_000;

function checkQuery<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  { id, pageSize = DEFAULT_PAGE_SIZE, toRecipient }: RecipientQueryOptions<Row>,
): void {
  if (toRecipient !== undefined && typeof toRecipient !== 'function')
    throw new RecipientQueryError('toRecipient', 'a function, or left out', toRecipient, 'Correct it.');
  const { orderBys, limit, offset, take, skip, mainAlias } = query.expressionMap;
  const order = Object.keys(orderBys);
  if (order.length > 0) {
    throw new RecipientQueryError(
      'the query',
      'without an order, because the pages have their own',
      order,
      'Remove orderBy; the list is sent in order of the id.',
    );
  }
  for (const [part, value] of Object.entries({ limit, offset, take, skip })) {
    if (value === undefined || value === null) continue;
    throw new RecipientQueryError(
      `the query's ${part}`,
      'absent, because the pages have their own',
      value,
      'Remove it, and end the list where you read it.',
    );
  }
  if (!mainAlias?.hasMetadata || !mainAlias.metadata.findColumnWithPropertyName(id)) {
    throw new RecipientQueryError(
      'id',
      'a column of the entity that the query selects from',
      id,
      'Name its primary key.',
    );
  }
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
    throw new RecipientQueryError(
      'pageSize',
      `a whole number from 1 to ${MAX_PAGE_SIZE}`,
      pageSize,
      'Correct it.',
    );
  }
}
