import { createHash, randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import {
  askHost,
  kindOf,
  publicReasonOf,
  takeFromHost,
  toPublicText,
  type Recipients,
  type TemplateEmailInfo,
  type TemplateEmailSender,
} from '../../mailing/src/index.js';
import { RecipientPartitions } from './recipient.partitions.js';
import { ScenarioOptionsError } from './scenario.errors.js';
import type { ScenarioEvents } from './scenario.events.js';
import {
  ownBatchSize,
  type ScenarioAnswer,
  type ScenariosSettings,
  type SendEmailOptions,
} from './scenario.options.js';

/** Leaves room in an idempotency key for the number of the partition. */
const MAX_EXECUTION_ID = 240;

/** One call of a method with `@SendEmail`. */
export interface ScenarioCall {
  scenario: string;
  method: string;
  options: SendEmailOptions<unknown>;
  event: unknown;
  /** The method itself. */
  ask: () => ScenarioAnswer | Promise<ScenarioAnswer>;
}

/** Counts of one event. */
interface Counts {
  numMailings: number;
  /** Of these, mailings that existed before. */
  numRepeats: number;
}

/**
 * Turns events into persisted mailings.
 *
 * The mailings of one event are partitions of one list, and each carries the idempotency key `scenario:method:eventId:n`. So an event may be
 * handled again, at the same moment on another server or after a crash half way: the partitions that exist are found, and the others are added.
 * No recipient gets two copies as long as the list is the same in the same order.
 */
export class ScenarioRunner {
  readonly #logger = new Logger('Scenario');

  constructor(
    private readonly sender: () => TemplateEmailSender,
    private readonly events: ScenarioEvents,
    private readonly settings: ScenariosSettings,
  ) {}

  /** Never rejects: an event that can't be handled is reported, and the process goes on. */
  async handle(call: ScenarioCall): Promise<void> {
    const { scenario, method } = call;
    let batchExecId: string | null = null;
    try {
      batchExecId = executionIdOf(call);
      const { hostCallTimeoutMs: timeoutMs } = this.settings;
      const terms = { call: `${scenario}.${method}`, timeoutMs, option: 'hostCallTimeoutMs' };
      const answer = await askHost(terms, () => call.ask());
      const counts = answer ? await this.#send(call, batchExecId, answer) : { numMailings: 0, numRepeats: 0 };
      this.#logRepeats(call, batchExecId, counts);
      this.events.emit('scenario:handled', { scenario, method, batchExecId, ...counts });
    } catch (error) {
      const line = `${scenario}.${method} failed (${batchExecId ?? 'no execution id'}): ${publicReasonOf(error)}`;
      this.#logger.error(toPublicText(line));
      this.events.emit('scenario:failed', { scenario, method, batchExecId, error });
    }
  }

  /** Expected right after a crash, and on the second of two servers. Anywhere else two events share an id, and the mail of one is missing. */
  #logRepeats(
    { scenario, method }: ScenarioCall,
    batchExecId: string,
    { numMailings, numRepeats }: Counts,
  ): void {
    if (numRepeats === 0) return;
    const line =
      `${scenario}.${method}: ${numRepeats} of ${numMailings} mailings of ${batchExecId} were there before and are not sent again. ` +
      'If this is another event, its eventId has to be another one.';
    this.#logger.log(toPublicText(line));
  }

  async #send(
    { scenario, method, options }: ScenarioCall,
    batchExecId: string,
    answer: NonNullable<ScenarioAnswer>,
  ): Promise<Counts> {
    const { on: _on, template, eventId: _eventId, maxBatchSize: _maxBatchSize, ...common } = options;
    const size = ownBatchSize(options) ?? this.settings.maxBatchSize;
    const hasInfo = typeof answer === 'object' && 'recipients' in answer;
    const more = hasInfo ? answer.info : {};
    const info = { templateUrl: template, ...common, ...more, batchExecId } as TemplateEmailInfo;
    const recipients = hasInfo ? answer.recipients : (answer as Recipients);
    const partitions = new RecipientPartitions(recipients, this.settings.sourceTimeoutMs);
    let numMailings = 0;
    let numRepeats = 0;
    try {
      while (await partitions.begin(size)) {
        const how = { persist: true, idempotencyKey: `${batchExecId}:${numMailings}` };
        const { isRepeat } = await this.sender().sendEmailMessage(info, partitions.recipients(), how);
        await partitions.finish();
        numMailings++;
        if (isRepeat) numRepeats++;
      }
    } finally {
      // A failure at the end of the list must not hide what became of the mailings.
      await partitions.close().catch((error: unknown) => {
        const line = `${scenario}.${method}: the list of recipients did not end in order: ${publicReasonOf(error)}`;
        this.#logger.warn(toPublicText(line));
      });
    }
    return { numMailings, numRepeats };
  }
}

function executionIdOf({ scenario, method, options, event }: ScenarioCall): string {
  const given = options.eventId;
  const refused = (got: string): ScenarioOptionsError =>
    new ScenarioOptionsError('eventId', 'a function that returns, at once, a text that is not empty', got);
  const eventId: unknown = given
    ? takeFromHost<unknown>(
        () => given(event),
        () => refused('a promise'),
      )
    : randomUUID();
  if (typeof eventId !== 'string' || eventId === '') {
    throw refused(kindOf(eventId));
  }
  const id = `${scenario}:${method}:${eventId}`;
  // A key is one line of bounded length, but the id of an event may be any text.
  if (id.length <= MAX_EXECUTION_ID && /^[!-~]+$/.test(id)) return id;
  return `${scenario}:${method}:`.slice(0, 150) + createHash('sha256').update(eventId).digest('hex');
}
