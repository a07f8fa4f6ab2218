import { AsyncContext } from '../../model/host-calls/async-context.js';
import { SAMPLE_RECIPIENT, TemplateContext } from '../../delivery/handlebars/template-context.js';
import type { MailingTemplate } from '../../model/ports/template.renderer.js';
import { withSlots } from '../../delivery/recipients/slot.source.js';
import { askHost, HOST_CALL_TIMEOUT_MS, HostSilentError } from '../../model/host-calls/host-call.js';
import { TemplateNotCompilingError, NotSerializableError } from '../../model/errors/request.errors.js';
import { fillingIn, type GivenSlots, type SlotFilling, toFilling } from '../../model/mail/slot-filling.js';
import {
  SlotDefinitionError,
  SlotNotPersistentError,
  SlotUnknownError,
} from '../../model/mail/slot.errors.js';
import { toStorable } from '../../model/mail/storable.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { CheckedSendOptions } from './send-options.check.js';

/** Width of the column that holds the name. */
const MAX_NAME = 100;

/** How a slot's content is treated. */
export interface SlotOptions {
  /**
   * True: content is plain data, of at most 25 levels and 262,144 bytes of JSON each. It is stored with the mailing, so it is available on any server
   * and after a restart. A profile whose own content is something else is skipped (`invalid_slot_content`).
   * False: content may be anything, and only mailings that are sent within the call see it.
   */
  persistent: boolean;
}

/** The slots that are defined in this process, and the rules for their use in mailings. */
export class SlotRegistry {
  readonly #persistent = new Map<string, boolean>();

  /** @param timeoutMs how long a renderer may take for the trial of a mailing's slots. */
  constructor(private readonly timeoutMs = HOST_CALL_TIMEOUT_MS) {}

  define(slot: string, options: SlotOptions): void {
    const isName = typeof slot === 'string' && slot.trim() === slot && slot !== '' && slot.length <= MAX_NAME;
    const expected = `a name of 1 to ${MAX_NAME} characters without spaces at its ends`;
    if (!isName) throw new SlotDefinitionError(slot, expected, slot);
    const persistent: unknown = options?.persistent;
    if (typeof persistent !== 'boolean') {
      throw new SlotDefinitionError(slot, 'persistent to be true or false', persistent);
    }
    const before = this.#persistent.get(slot);
    if (before !== undefined && before !== persistent) {
      throw new SlotDefinitionError(slot, `persistent: ${before}, as it is defined elsewhere`, persistent);
    }
    this.#persistent.set(slot, persistent);
  }

  isPersistent(slot: string): boolean {
    return this.#persistent.get(slot) === true;
  }

  /** @throws SlotUnknownError */
  assertKnown(slot: string, templateUrl: string | null = null): void {
    if (this.#persistent.has(slot)) return;
    throw new SlotUnknownError(slot, templateUrl, [...this.#persistent.keys()]);
  }

  /**
   * Takes the filling of a mailing, before anything is awaited.
   *
   * @throws SlotUnknownError; NotSerializableError for content for all recipients in a persistent slot. Content for one profile is checked when it is
   * read, and costs that profile only. It is read in the caller's context.
   */
  take(given: GivenSlots | undefined): SlotFilling {
    const filling = toFilling(given);
    for (const slot of filling.slots) this.assertKnown(slot);
    const copyOf = (content: unknown, slot: string): unknown =>
      this.isPersistent(slot) ? storableForAll(slot, content) : content;
    return fillingIn(new AsyncContext(), filling.only(filling.slots, copyOf));
  }

  /**
   * The part of a filling that the templates of a mailing show; rendered once, as each template is tried before use.
   *
   * @throws SlotUnknownError, SlotNotPersistentError, TemplateNotCompilingError; HostSilentError for a renderer that does not answer.
   */
  async shownBy(
    template: MailingTemplate,
    info: TemplateEmailInfo,
    filling: SlotFilling,
    { persist, runInSeparateThread }: Pick<CheckedSendOptions, 'persist' | 'runInSeparateThread'>,
  ): Promise<SlotFilling | undefined> {
    const shown = template.slots ?? [];
    for (const { slot, templateUrl } of shown) {
      this.assertKnown(slot, templateUrl);
      if (this.#persistent.get(slot) || !(persist || runInSeparateThread)) continue;
      throw new SlotNotPersistentError(slot, templateUrl, persist ? 'persist' : 'runInSeparateThread');
    }
    if (shown.length === 0) return undefined;
    await this.#tryOut(template, info, filling);
    const names = shown.map(({ slot }) => slot);
    return filling.only(names, (content) => content);
  }

  /** Renders the slots with content: the trial that opened the templates rendered every slot empty. */
  async #tryOut(template: MailingTemplate, info: TemplateEmailInfo, { forAll }: SlotFilling): Promise<void> {
    if (Object.keys(forAll).length === 0) return;
    const terms = { call: 'MailingTemplate.render', timeoutMs: this.timeoutMs };
    const variables = new TemplateContext('sample', info).of(withSlots(SAMPLE_RECIPIENT, forAll));
    try {
      await askHost(terms, () => template.render(variables));
    } catch (error) {
      // A silent renderer does not mean that the template is wrong.
      if (error instanceof HostSilentError) throw error;
      throw new TemplateNotCompilingError(info.templateUrl, error);
    }
  }
}

/** @throws NotSerializableError with its own advice: the usual one, `persist: false`, does not help here. */
function storableForAll(slot: string, content: unknown): unknown {
  try {
    return toStorable(content, `slots.${slot}`);
  } catch (error) {
    if (!(error instanceof NotSerializableError)) throw error;
    const otherwise = 'define the slot with persistent false';
    throw new NotSerializableError(error.path, error.found, otherwise);
  }
}
