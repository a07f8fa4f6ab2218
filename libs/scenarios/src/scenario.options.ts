import {
  HOST_CALL_TIMEOUT_MS,
  SOURCE_TIMEOUT_MS,
  type Recipients,
  type TemplateEmailInfo,
} from '../../mailing/src/index.js';
import {
  type OptionSchema,
  readOptions,
  type ReadOptions,
  whole,
  wholeOrNull,
} from '../../mailing/src/parts.js';
import { SCENARIO_PLACE } from './scenario.errors.js';

const BATCH_SIZE = { min: 1, max: 1_000_000 };

/** What a scenario sends, apart from what its method adds for each event. */
export interface SendEmailOptions<Event> extends Partial<
  Omit<TemplateEmailInfo, 'templateUrl' | 'batchExecId'>
> {
  /** Name of the event of `@nestjs/event-emitter`, or several. Default: none, for a method that `@Cron` calls. */
  on?: string | symbol | (string | symbol)[];
  /** Html template, relative to `templates.dir`. */
  template: string;
  /**
   * Tells two events apart: an event with an id that was handled before sends nothing a second time, on any server. `@Cron` calls it
   * without an event; the day or the hour in the zone of the cron is the id then (`dayIn`, `hourIn`). Default: every event is a new one.
   */
  eventId?: (event: Event) => string;
  /** Most recipients of one mailing; longer lists become several mailings. Default: that of `MailingScenariosModule`. Bounds: 1 to 1,000,000. */
  maxBatchSize?: number;
}

/** What a scenario's method returns: the recipients, alone or with fields of the info. Null or nothing: no mail is sent. */
export type ScenarioAnswer =
  Recipients | { info?: Partial<TemplateEmailInfo>; recipients: Recipients } | null | void;

/** Options of `MailingScenariosModule.forRoot`. */
export interface MailingScenariosOptions {
  /**
   * Most recipients of one mailing of a scenario. Default: 1,000. Bounds: 1 to 1,000,000. Too low: many rows and runs for one event. Too
   * high: nothing is sent before that many recipients are read.
   */
  maxBatchSize?: number;
  /**
   * Longest wait for the answer of a method with `@SendEmail`, in milliseconds. After it, the event counts as failed, and a later answer is
   * ignored. For each recipient of the list that the method returns, `sourceTimeoutMs` applies. Default: 30,000. Bounds: 10 to 600,000. Too
   * low: a slow query fails. Too high: a method that never answers is reported late.
   */
  hostCallTimeoutMs?: number;
  /**
   * Longest wait for one recipient of a list that such a method returns, in milliseconds. After it, the event counts as failed. While a
   * mailing is being written, `run.sourceTimeoutMs` applies to its list as well. Default: 600,000 (10 minutes). Bounds: 10 to 86,400,000.
   * Too low: a list that is read behind a slow query fails. Too high: a list that yields nothing is reported late.
   */
  sourceTimeoutMs?: number;
}

/** All options of `MailingScenariosModule`. */
export const SCENARIOS_OPTIONS = {
  maxBatchSize: whole({ default: 1_000, ...BATCH_SIZE }),
  hostCallTimeoutMs: whole({ default: HOST_CALL_TIMEOUT_MS, min: 10, max: 600_000 }),
  sourceTimeoutMs: whole({ default: SOURCE_TIMEOUT_MS, min: 10, max: 86_400_000 }),
} satisfies OptionSchema<MailingScenariosOptions>;

/** The option of `@SendEmail` that is checked when a class is loaded; the others are checked when they are used. */
export const SEND_EMAIL_OPTIONS = {
  maxBatchSize: wholeOrNull({ ...BATCH_SIZE, nullIs: 'that of `MailingScenariosModule`' }),
} satisfies OptionSchema<Pick<SendEmailOptions<never>, 'maxBatchSize'>>;

/** The options with every default filled in and every bound checked. */
export type ScenariosSettings = ReadOptions<typeof SCENARIOS_OPTIONS>;

/** @throws ScenarioOptionsError naming the first option that is unknown or out of its bounds. */
export function toScenariosSettings(options: MailingScenariosOptions): ScenariosSettings {
  return readOptions(SCENARIO_PLACE, SCENARIOS_OPTIONS, options);
}

/**
 * @returns null: the method has no bound of its own.
 * @throws ScenarioOptionsError
 */
export function ownBatchSize({ maxBatchSize }: Pick<SendEmailOptions<never>, 'maxBatchSize'>): number | null {
  return readOptions(SCENARIO_PLACE, SEND_EMAIL_OPTIONS, { maxBatchSize }).maxBatchSize;
}
