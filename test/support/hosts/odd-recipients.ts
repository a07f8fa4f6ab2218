/** One entry of a list that is not a valid recipient, and the text that reports it. */
export interface OddRecipient {
  what: string;
  entry: unknown;
  code: 'invalid_recipient' | 'invalid_address';
  /** Part of the text that is stored with it. */
  says: string;
  /** Invalid only where data has to be stored; otherwise the recipient is mailed. */
  isOdd?: 'stored';
}

class Money {
  constructor(readonly cents: number) {}
}

const throws = (): never => {
  throw new Error('for odd@home.example only');
};

function nested(levels: number): Record<string, unknown> {
  let inner: Record<string, unknown> = { secret: 'at the bottom' };
  for (let n = 1; n < levels; n++) inner = { inner };
  return inner;
}

function ring(): Record<string, unknown> {
  const one: Record<string, unknown> = {};
  one.next = { back: one };
  return one;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Every known kind of invalid entry, each address once. */
export function oddRecipients(): OddRecipient[] {
  let n = 0;
  const email = (): string => `odd${n++}@home.example`;
  return [...ofWrongShape(email), ...notStorable(email), ...noRecipientsAtAll()];
}

function ofWrongShape(email: () => string): OddRecipient[] {
  const always = (what: string, more: object, says: string): OddRecipient => ({
    what,
    entry: { email: email(), ...more },
    code: 'invalid_recipient',
    says,
  });
  return [
    always('data that is a text', { data: 'tea' }, 'data is a text of 3 characters'),
    always('data that is a Date', { data: new Date() }, 'data is an instance of Date'),
    always('data that is an array', { data: [1] }, 'data is an array'),
    always('data that is a Map', { data: new Map() }, 'data is an instance of Map'),
    always('data that is a class instance', { data: new Money(1) }, 'data is an instance of Money'),
    always('data that is a number', { data: 5 }, 'data is a number'),
    always('data that is a revoked proxy', { data: revoked() }, 'Reading data throws'),
    always('a name that is an object', { name: { toString: 1 } }, 'name is an object'),
    always('a name without a prototype', { name: Object.create(null) as object }, 'name is an object'),
    always('a name that is a phone number', { name: 491_701_234_567 }, 'name is a number;'),
    always('a name that is a flag', { name: true }, 'name is a boolean;'),
  ];
}

function notStorable(email: () => string): OddRecipient[] {
  const stored = (what: string, data: unknown, says: string): OddRecipient => ({
    what,
    entry: { email: email(), data },
    code: 'invalid_recipient',
    says,
    isOdd: 'stored',
  });
  return [
    stored('a toJSON that gives nothing', { toJSON: () => undefined }, 'data is a value whose toJSON gives'),
    stored('a toJSON that gives a text', { toJSON: () => 'tea' }, 'data has a toJSON'),
    stored('a toJSON that throws', { at: { toJSON: throws } }, 'data.at is a value that throws'),
    stored('20,000 levels', nested(20_000), 'is a value more than 25 levels deep'),
    stored('26 levels', nested(26), 'is a value more than 25 levels deep'),
    stored('a circle', ring(), 'data.next.back is a cycle'),
    stored('NaN', { orders: [{ total: NaN }] }, 'data.orders[0].total is NaN'),
    stored('a bigint', { orders: [1, { total: 1n }] }, 'data.orders[1].total is a bigint'),
    stored('an instance in it', { price: new Money(1) }, 'data.price is an instance of Money'),
    stored('a key that is an address', { 'x@home.example': 1n }, 'data[…] is a bigint'),
    stored('too much', { text: 'x'.repeat(262_144) }, 'data is more than 262,144 bytes of JSON'),
    stored(
      'a getter inside that throws',
      { in: Object.defineProperty({}, 'x', GETTER) },
      'data.in.x is a value',
    ),
  ];
}

function noRecipientsAtAll(): OddRecipient[] {
  const whole = (what: string, entry: unknown, says: string): OddRecipient => {
    return { what, entry, code: 'invalid_recipient', says };
  };
  return [
    whole('a getter for email that throws', Object.defineProperty({}, 'email', GETTER), 'Reading email'),
    whole('a getter for userId that throws', Object.defineProperty({}, 'userId', GETTER), 'Reading userId'),
    whole('a revoked proxy', revoked(), 'throws'),
    whole('nothing', undefined, 'this is nothing'),
    whole('a bigint', 5n, 'this is a bigint'),
    whole('an array', ['x@home.example'], 'this is an array'),
    whole('a function', throws, 'this is a function'),
    whole('an id of half a letter', { userId: 'x\ud83d' }, 'userId is a text of 2 characters'),
    whole('an id with a NUL', { userId: 'x\0' }, 'userId is a text of 2 characters'),
    {
      what: 'an address that is an object',
      entry: { email: { toJSON: throws } },
      code: 'invalid_address',
      says: 'not exactly one valid',
    },
  ];
}

const GETTER: PropertyDescriptor = { enumerable: true, get: throws };
