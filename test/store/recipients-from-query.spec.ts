import { type Recipient, RecipientQueryError, recipientsFromQuery } from 'nestjs-mailing';
import {
  DataSource,
  type DataSourceOptions,
  EntitySchema,
  type Logger,
  type SelectQueryBuilder,
} from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { MailingRig } from '../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../support/hosts/profile-shelf.js';

interface Order {
  no: number;
  customer: Customer;
}
interface Customer {
  id: number;
  code: string;
  email: string;
  orders?: Order[];
}

/** Its column is not named like its property, as often in hosts. */
const CUSTOMER = new EntitySchema<Customer>({
  name: 'Customer',
  tableName: 'customers',
  columns: {
    id: { type: 'int', primary: true, name: 'customer_no' },
    code: { type: 'varchar', length: 40, unique: true },
    email: { type: 'varchar', length: 100 },
  },
  relations: { orders: { type: 'one-to-many', target: 'Order', inverseSide: 'customer' } },
});
const ORDER = new EntitySchema<Order>({
  name: 'Order',
  tableName: 'customer_orders',
  columns: { no: { type: 'int', primary: true } },
  relations: { customer: { type: 'many-to-one', target: 'Customer', inverseSide: 'orders' } },
});

class Statements implements Logger {
  readonly all: string[] = [];
  logQuery(sql: string): void {
    this.all.push(sql);
  }
  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

const customerOf = (id: number): Customer => ({
  id,
  code: `c-${String(id % 97).padStart(2, '0')}-${id}`,
  email: `reader${id}@home.example`,
});

async function idsOf(recipients: AsyncIterable<Recipient>): Promise<string[]> {
  const ids: string[] = [];
  for await (const one of recipients) ids.push((one as { userId: string }).userId);
  return ids;
}

forEachDatabase('a list from a query', (kind) => {
  let fresh: FreshDatabase;
  let host: DataSource;
  let statements: Statements;
  const customers = (): SelectQueryBuilder<Customer> =>
    host.getRepository(CUSTOMER).createQueryBuilder('customer');

  async function fill(count: number): Promise<void> {
    for (let first = 1; first <= count; first += 500) {
      const length = Math.min(500, count - first + 1);
      await host.getRepository(CUSTOMER).insert(Array.from({ length }, (_, n) => customerOf(first + n)));
    }
  }

  beforeEach(async () => {
    fresh = await freshDatabase(kind, { migrate: false });
    statements = new Statements();
    host = await fresh.connect({
      entities: [CUSTOMER, ORDER],
      synchronize: true,
      logger: statements,
      logging: ['query'],
    } as Partial<DataSourceOptions>);
  });
  afterEach(() => fresh.dispose());

  it('of 10,000 rows takes one statement a page, and keeps its order while rows come and go', async () => {
    await fill(10_000);
    statements.all.length = 0;
    const seen: number[] = [];
    for await (const one of recipientsFromQuery(customers(), { id: 'id', pageSize: 500 })) {
      const id = Number((one as { userId: string }).userId);
      seen.push(id);
      // Behind the current page rows are deleted and one is added; ahead of it one is deleted, and others are added at the end.
      if (id > 10_000 || id % 1_000 !== 500) continue;
      const behind = host.getRepository(CUSTOMER).createQueryBuilder().delete();
      await behind.where('customer_no BETWEEN :low AND :high', { low: id - 400, high: id - 300 }).execute();
      await host.getRepository(CUSTOMER).insert([customerOf(-id), customerOf(20_000 + id)]);
      await host.getRepository(CUSTOMER).delete({ id: id + 250 });
    }
    const selects = statements.all.filter((sql) => sql.startsWith('SELECT'));
    expect(selects.length).toBeLessThanOrEqual(22);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    const gone = Array.from({ length: 10 }, (_, n) => n * 1_000 + 750);
    const wanted = Array.from({ length: 10_000 }, (_, n) => n + 1).filter((id) => !gone.includes(id));
    const late = Array.from({ length: 10 }, (_, n) => 20_500 + n * 1_000);
    expect(seen.filter((id) => id <= 10_000)).toEqual(wanted);
    expect(seen.filter((id) => id > 10_000)).toEqual(late);
  });

  it('keeps OR conditions and joins, and returns each row once', async () => {
    await fill(30);
    const orders = Array.from({ length: 60 }, (_, n) => ({ no: n + 1, customer: customerOf((n % 20) + 1) }));
    await host.getRepository(ORDER).insert(orders);
    const either = customers()
      .where('customer.id <= :low', { low: 4 })
      .orWhere('customer.id > :high', { high: 27 });
    const read = (query: SelectQueryBuilder<Customer>): Promise<string[]> =>
      idsOf(recipientsFromQuery(query, { id: 'id', pageSize: 3 }));
    expect(await read(either)).toEqual(['1', '2', '3', '4', '28', '29', '30']);
    const joined = customers().innerJoinAndSelect('customer.orders', 'placed').where('placed.no > 50');
    expect(await read(joined)).toEqual(Array.from({ length: 10 }, (_, n) => String(n + 11)));
    // The caller's query is not changed.
    expect(await joined.getCount()).toBe(10);
    expect(await read(customers().where('1 = 0'))).toEqual([]);
  });

  it('pages by text ids, in the order of the database', async () => {
    await fill(200);
    const codes = await idsOf(recipientsFromQuery(customers(), { id: 'code', pageSize: 7 }));
    expect(new Set(codes).size).toBe(200);
    const inOrder = await customers().orderBy('customer.code').getMany();
    expect(codes).toEqual(inOrder.map(({ code }) => code));
  });

  it('returns addresses by a mapper, which gets the selected columns', async () => {
    await fill(5);
    await host.getRepository(ORDER).insert([
      { no: 1, customer: customerOf(2) },
      { no: 2, customer: customerOf(2) },
    ]);
    const query = customers().leftJoinAndSelect('customer.orders', 'placed').where('customer.id < 4');
    const list: Recipient[] = [];
    const toRecipient = ({ email, orders }: Customer): Recipient => ({
      email,
      data: { numOrders: orders?.length },
    });
    for await (const one of recipientsFromQuery(query, { id: 'id', pageSize: 2, toRecipient }))
      list.push(one);
    expect(list).toEqual(
      [0, 2, 0].map((numOrders, n) => ({ email: `reader${n + 1}@home.example`, data: { numOrders } })),
    );
  });

  it('refuses ORDER BY, LIMIT, an unknown id and a page size of 0, before anything is read', () => {
    const refused = (query: SelectQueryBuilder<Customer>, options: object = {}): RecipientQueryError => {
      try {
        recipientsFromQuery(query, { id: 'id', ...options });
      } catch (error) {
        if (error instanceof RecipientQueryError) return error;
        throw error;
      }
      throw new Error('The query was accepted.');
    };
    expect(refused(customers().orderBy('customer.email')).message).toContain('orderBy');
    expect(refused(customers().limit(5)).part).toBe("the query's limit");
    expect(refused(customers().take(5)).part).toBe("the query's take");
    expect(refused(customers().skip(5)).part).toBe("the query's skip");
    expect(refused(customers().offset(5)).part).toBe("the query's offset");
    expect(refused(customers(), { id: 'nothing' }).part).toBe('id');
    for (const pageSize of [0, 1.5, 10_001]) expect(refused(customers(), { pageSize }).part).toBe('pageSize');
  });
});

describe('a list from a query that is sent', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('reaches each of its profiles', async () => {
    ProfileShelf.fill(40, (n) => `reader${n}@home.example`);
    const host = await rig.database.connect({ entities: [CUSTOMER, ORDER], synchronize: true });
    await host
      .getRepository(CUSTOMER)
      .insert(Array.from({ length: 40 }, (_, n) => ({ ...customerOf(n), code: `p${n}` })));
    const query = host.getRepository(CUSTOMER).createQueryBuilder('customer');
    const app = await rig.boot({ profileRepository: ProfileShelf });
    const list = recipientsFromQuery(query, { id: 'code', pageSize: 9 });
    const { completed, mailingId } = await app.sender.sendEmailMessage(
      { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' },
      list,
      { persist: true },
    );
    expect(await completed).toMatchObject({ numSent: 40 });
    await rig.assertAllSent(mailingId as string, 40);
  });
});
