import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Begin, EmailMessage, EmailMessageSender, HandOver } from '../../mailing/src/index.js';

/**
 * What the other side does with messages.
 *
 * - `accept`: it accepts them.
 * - `refuse`: it refuses them for good.
 * - `refuse-for-now`: it refuses them for now.
 * - `throttle`: it asks for fewer at a time.
 * - `lose-answers`: it accepts them, and the connection breaks before its answer.
 * - `hang`: it accepts them, and never answers.
 * - `down`: no connection can be made.
 */
export type MessageSenderBehavior =
  'accept' | 'refuse' | 'refuse-for-now' | 'throttle' | 'lose-answers' | 'hang' | 'down';

/** A sender and what it sends to, made anew for each check. */
export interface MessageSenderRig {
  /** Ready to send: `prepare` has been called. */
  sender: EmailMessageSender;
  /** The `Message-ID` of each copy that the other side has accepted; a message that it accepted twice is there twice. */
  accepted(): string[] | Promise<string[]>;
  /** Called before the messages to which it applies. At the beginning the other side accepts. */
  behave(behavior: MessageSenderBehavior): void | Promise<void>;
  /** Ends the sender and the other side. */
  close(): void | Promise<void>;
}

/** One thing that a message sender has to do. */
export interface MessageSenderCheck {
  name: string;
  /** Rejects with an AssertionError that says what was expected. Takes up to 10 s. */
  check: () => Promise<void>;
}

/** Time that a sender may take to answer. The plugin waits as long after its signal has aborted. */
const GRACE_MS = 1_000;
const ANSWER_MS = 8_000;
const AT_A_TIME = 20;

const KINDS = ['accepted', 'refused', 'throttled', 'not_begun', 'unknown'];

/**
 * What the plugin relies on in a message sender, as checks for any test runner. Each makes a rig of its own and closes it.
 *
 * @param start makes a rig.
 * @param without behaviors that the other side can't be made to show; their checks are left out.
 *
 * @example
 * ```ts
 * declare const startRig: () => Promise<MessageSenderRig>;
 * declare const it: (name: string, test: () => Promise<void>) => void;
 * for (const { name, check } of emailMessageSenderChecks(startRig)) it(name, check);
 * ```
 */
export function emailMessageSenderChecks(
  start: () => MessageSenderRig | Promise<MessageSenderRig>,
  without: readonly MessageSenderBehavior[] = [],
): MessageSenderCheck[] {
  return CHECKS.filter(({ needs }) => !needs.some((behavior) => without.includes(behavior))).map(
    ({ name, run }) => ({
      name,
      check: async () => {
        const rig = await start();
        try {
          await run(new Trial(rig));
        } finally {
          await rig.close();
        }
      },
    }),
  );
}

interface Check {
  name: string;
  needs: readonly MessageSenderBehavior[];
  run: (trial: Trial) => Promise<void>;
}

/** One rig, and what was handed over by it. */
class Trial {
  readonly #log: string[] = [];

  constructor(readonly rig: MessageSenderRig) {}

  /** @throws AssertionError if it rejects, is silent, or answers no HandOver. */
  async send(n: number, signal = new AbortController().signal, begin?: Begin): Promise<HandOver> {
    const message = messageTo(n);
    const before = structuredClone(message);
    const sending = (async () => this.rig.sender.send(message, signal, begin ?? this.#noting()))();
    const answer = await inTime('send', sending);
    assertHandOver(answer);
    assert.deepEqual(message, before, 'send must change nothing in the message: messages share parts of it');
    return answer;
  }

  /** The steps of `begin` that were taken, in their order. */
  get steps(): readonly string[] {
    return this.#log;
  }

  async assertCopies(n: number, copies: number, when: string): Promise<void> {
    const accepted = await this.rig.accepted();
    const found = accepted.filter((id) => id === messageTo(n).messageId).length;
    assert.equal(found, copies, `${when}: copies of the message that were accepted`);
  }

  #noting(): Begin {
    return () => {
      this.#log.push('begun');
      return () => void this.#log.push('confirmed');
    };
  }
}

const CHECKS: readonly Check[] = [
  {
    name: 'hands a message over once, and answers accepted',
    needs: [],
    run: async (trial) => {
      const { kind } = await trial.send(1);
      assert.equal(kind, 'accepted', 'the answer to a message that was accepted');
      await trial.assertCopies(1, 1, 'after one send');
    },
  },
  {
    name: `hands ${AT_A_TIME} messages at a time over, each once`,
    needs: [],
    run: async (trial) => {
      const all = Array.from({ length: AT_A_TIME }, (_, n) => n);
      const answers = await Promise.all(all.map((n) => trial.send(n)));
      assert.deepEqual(
        answers.filter(({ kind }) => kind !== 'accepted'),
        [],
        'answers to messages side by side that are not accepted',
      );
      for (const n of all) await trial.assertCopies(n, 1, 'after one send each');
    },
  },
  {
    name: 'answers refused for good, with a code and a text, to a refusal for good',
    needs: ['refuse'],
    run: async (trial) => {
      await trial.rig.behave('refuse');
      const answer = await trial.send(1);
      assert.ok(
        answer.kind === 'refused' && answer.permanent,
        `refused for good expected, got ${shown(answer)}`,
      );
      assert.ok(answer.code !== '' && answer.text !== '', `a code and a text expected, got ${shown(answer)}`);
      await trial.assertCopies(1, 0, 'after a refusal');
    },
  },
  {
    name: 'answers refused, but not for good, to a refusal for now',
    needs: ['refuse-for-now'],
    run: async (trial) => {
      await trial.rig.behave('refuse-for-now');
      const answer = await trial.send(1);
      assert.ok(
        answer.kind === 'refused' && !answer.permanent,
        `refused for now expected, got ${shown(answer)}`,
      );
      await trial.assertCopies(1, 0, 'after a refusal');
    },
  },
  {
    name: 'answers throttled if less is wanted at a time',
    needs: ['throttle'],
    run: async (trial) => {
      await trial.rig.behave('throttle');
      const answer = await trial.send(1);
      assert.equal(answer.kind, 'throttled', 'the answer where less is wanted');
      await trial.assertCopies(1, 0, 'after throttling');
    },
  },
  {
    name: 'answers unknown if the answer got lost, and hands the message over no second time',
    needs: ['lose-answers'],
    run: async (trial) => {
      await trial.rig.behave('lose-answers');
      const answer = await trial.send(1);
      assert.equal(answer.kind, 'unknown', 'the answer to a message whose own answer got lost');
      await trial.rig.behave('accept');
      assert.equal((await trial.send(2)).kind, 'accepted', 'the answer to the next message');
      await trial.assertCopies(1, 1, 'after a lost answer');
    },
  },
  {
    name: 'ends when its signal aborts, and says that it does not know',
    needs: ['hang'],
    run: async (trial) => {
      await trial.rig.behave('hang');
      const deadline = new AbortController();
      const sending = trial.send(1, deadline.signal);
      while ((await trial.rig.accepted()).length === 0) await delay(5);
      deadline.abort();
      const answer = await inTime('send, after its signal has aborted,', sending, GRACE_MS);
      assert.equal(answer.kind, 'unknown', 'the answer to a message that nothing is known of');
      await trial.assertCopies(1, 1, 'after a deadline');
    },
  },
  {
    name: 'hands nothing over after its signal has aborted, and does not say that it did',
    needs: [],
    run: async (trial) => {
      const { kind } = await trial.send(1, AbortSignal.abort());
      const copies = (await trial.rig.accepted()).length;
      if (copies === 0) assert.notEqual(kind, 'accepted', 'the answer to a message that did not arrive');
      else assert.ok(kind === 'accepted' || kind === 'unknown', `the message arrived, got ${kind}`);
    },
  },
  {
    name: 'answers not_begun, and blames the transport, if no connection can be made',
    needs: ['down'],
    run: async (trial) => {
      await trial.rig.behave('down');
      const answer = await trial.send(1);
      assert.ok(
        answer.kind === 'not_begun' && answer.blame === 'transport',
        `not_begun by the transport expected, got ${shown(answer)}`,
      );
      await trial.rig.behave('accept');
      assert.equal((await trial.send(2)).kind, 'accepted', 'the answer to the first message after an outage');
      await trial.assertCopies(1, 0, 'after an outage');
    },
  },
  {
    name: 'answers a probe by null while messages would be taken',
    needs: [],
    run: async ({ rig }) => {
      assert.equal(await inTime('probe', rig.sender.probe()), null, 'the answer of probe');
    },
  },
  {
    name: 'rejects no probe during an outage, and answers null or one line',
    needs: ['down'],
    run: async ({ rig }) => {
      await rig.behave('down');
      const why: unknown = await inTime('probe', rig.sender.probe());
      assert.ok(
        why === null || (typeof why === 'string' && !/[\r\n]/.test(why)),
        `one line expected, got ${typeof why}`,
      );
    },
  },
  {
    name: 'takes both steps of begin before a message leaves, if it says that it calls begin',
    needs: [],
    run: async (trial) => {
      assert.equal((await trial.send(1)).kind, 'accepted', 'the answer to a message that may begin');
      if (trial.rig.sender.callsBegin)
        assert.deepEqual(trial.steps, ['begun', 'confirmed'], 'the steps of begin');
    },
  },
  {
    name: 'hands nothing over if a step of begin throws',
    needs: [],
    run: async (trial) => {
      if (!trial.rig.sender.callsBegin) return;
      const signal = new AbortController().signal;
      await trial.send(1, signal, () => forbid());
      await trial.send(2, signal, () => forbid);
      assert.deepEqual(await trial.rig.accepted(), [], 'messages that were accepted although begin threw');
    },
  },
];

function forbid(): never {
  throw new Error('This message must not leave.');
}

function messageTo(n: number): EmailMessage {
  return {
    messageId: `<0197-checks.${n}@shop.example>`,
    from: { name: 'The Shop', address: 'news@shop.example' },
    to: { name: `Reader ${n}`, address: `reader${n}@home.example` },
    subject: `Grüße, Reader ${n}`,
    html: '<p>Dear reader</p>',
    text: 'Dear reader\n.\n',
    headers: { 'X-Mailing-Id': '0197-checks' },
  };
}

async function inTime<T>(what: string, answer: Promise<T>, ms = ANSWER_MS): Promise<T> {
  const late = new AbortController();
  const silence = delay(ms, null, { signal: late.signal }).then(() =>
    assert.fail(`${what} has to answer within ${ms} ms`),
  );
  // It ends so where the answer came in time.
  silence.catch(() => undefined);
  const answered = answer.catch((error: unknown) =>
    assert.fail(
      error instanceof assert.AssertionError ? error : `${what} must not reject, but did: ${String(error)}`,
    ),
  );
  try {
    return await Promise.race([answered, silence]);
  } finally {
    late.abort();
  }
}

function assertHandOver(answer: HandOver): void {
  const kind: unknown = answer?.kind;
  assert.ok(KINDS.includes(kind as string), `send has to answer a HandOver, got the kind ${String(kind)}`);
  if ('text' in answer) assert.equal(typeof answer.text, 'string', 'the text of an answer');
  if ('code' in answer) assert.match(answer.code, /^[\w.-]{1,64}$/, 'the code of an answer');
}

function shown(answer: HandOver): string {
  return JSON.stringify(answer);
}
