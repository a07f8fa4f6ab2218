import type { FaultPoints } from '../model/ports/fault-points.js';
import {
  askHost,
  askHostUntimed,
  assertAnswer,
  callHost,
  type HostCallTerms,
} from '../model/host-calls/host-call.js';
import { parseRecipient } from '../model/addresses/recipient-address.js';
import { type Attempt, type Contact, settled } from '../model/states/outcome.js';
import type { ProfileRepository, RecipientProfile } from '../model/ports/profile.repository.js';
import type { MarkedRecipient } from '../model/mail/recipient.js';
import type { TemplateEmailInfo } from '../model/mail/template-email-info.js';
import type { Begin, EmailMessage, EmailMessageSender, HandOver } from './transport/email-message.sender.js';
import { checkedHandOver } from './transport/hand-over.check.js';
import { MessageComposer } from './mime/message.composer.js';
import { MessageDeadlines } from './message-deadlines.js';
import { isNoSuchUser } from './transport/no-such-user.js';
import type { Candidate, RecipientGate } from './recipients/recipient.gate.js';
import {
  type Addressee,
  type ContactFatigue,
  type Skip,
  toAddressee,
} from './recipients/recipient.policy.js';
import { TemplateContext } from './handlebars/template-context.js';
import { handOutSlots, type SlotSource } from './recipients/slot.source.js';
import type { MailingTemplate, RenderedEmail } from '../model/ports/template.renderer.js';
import { answered } from './recipients/lookup-failed.error.js';
import { LeaseLostError } from './lease-lost.error.js';
import type { UnsubscribeLink, UnsubscribeLinks } from './recipients/unsubscribe.links.js';
import { reasonOf } from '../model/values/public-text.js';

/** A recipient whose profile has been looked up. */
export interface PreparedRecipient {
  idx: number;
  addressee: Addressee | Skip;
}

/** What a message must ask its run for. */
export interface RunConsent {
  /** Aborts when the process has no more time; a message then ends as what is known of it. */
  stop: AbortSignal;
  /** Aborts when nothing more is to be begun; of a message that is being rendered nothing has left, and it is not waited for. */
  wanted: () => AbortSignal;
  /** Asked again where rendering took its time, because a lease may have run out meanwhile. */
  mayStart: () => boolean;
  /** As `Begin`, for the message to this recipient. */
  begin: (idx: number) => ReturnType<Begin>;
}

export interface MailingDeliveryParts {
  sender: EmailMessageSender;
  profiles: ProfileRepository | null;
  /** Null: nobody is mailed too often. */
  fatigue: ContactFatigue | null;
  /** In the order in which they are asked. */
  gates: RecipientGate[];
  /** Null: the messages do not say how to unsubscribe. */
  links: UnsubscribeLinks | null;
  /** Null for templates that show no slot. */
  slots: SlotSource | null;
  messageTimeoutMs: number;
  hostCallTimeoutMs: number;
  faultPoints: FaultPoints;
}

/** Turns the recipients of one mailing into messages and hands them over, one by one. */
export class MailingDelivery {
  readonly #composer: MessageComposer;
  readonly #context: TemplateContext;
  readonly #deadlines: MessageDeadlines;
  /** What the host is asked in `prepare` at the moment, and since when by `performance.now()`. */
  asked: { what: string; since: number } | null = null;

  constructor(
    identity: string,
    private readonly info: TemplateEmailInfo,
    private readonly template: MailingTemplate,
    private readonly parts: MailingDeliveryParts,
  ) {
    this.#composer = new MessageComposer(identity, info);
    this.#context = new TemplateContext(identity, info);
    this.#deadlines = new MessageDeadlines(parts.messageTimeoutMs);
  }

  /**
   * Looks the profiles of one commit up, in one query, reads their slots, and asks each gate once about those who are left.
   *
   * Slots come before the gates: a profile that is skipped for its content must not have taken its address from another one.
   *
   * @param upcoming who comes next as far as is known.
   * @param stop aborts when nothing is to be begun any more: then no answer is waited for.
   * @throws whatever the profiles throw; LookupFailedError if a gate or the slots can't be asked; HostSilentError; the reason of `stop`.
   */
  async prepare(
    recipients: MarkedRecipient[],
    upcoming: readonly MarkedRecipient[] = [],
    stop?: AbortSignal,
  ): Promise<PreparedRecipient[]> {
    const { slots, gates } = this.parts;
    const profiles = await this.#profilesOf(recipients, stop);
    const fatigue = this.info.ignoreContactFatigue ? null : this.parts.fatigue;
    const prepared = recipients.map((one) => ({
      idx: one.idx,
      addressee: toAddressee(one, one.userId === undefined ? undefined : profiles?.get(one.userId), fatigue),
    }));
    const next = (): string[] => upcoming.flatMap(addressOf);
    const ask = (question: string, look: () => Promise<void>): Promise<void> =>
      answered(question, () => this.#ask(this.#terms(question, stop), look));
    if (slots) await ask('slots', () => handOutSlots(slots, prepared));
    for (const gate of gates) await ask(gate.question, () => pass(gate, prepared, next));
    return prepared;
  }

  /** @throws whatever the template, or the host's builder of links, throws for this recipient. */
  async compose(idx: number, addressee: Addressee): Promise<EmailMessage> {
    return this.#write(idx, addressee, await this.#linkOf(idx, addressee));
  }

  /** Sends to one recipient. */
  async deliver({ idx, addressee }: PreparedRecipient, consent: RunConsent): Promise<Attempt> {
    const { mayStart } = consent;
    const wanted = consent.wanted();
    const isTooLate = (): boolean => wasAwaited && (wanted.aborted || !mayStart());
    if ('skip' in addressee) return settled(idx, 'skipped', addressee.skip, addressee.text);
    const tooLate = { kind: 'returned', idx, blame: 'nobody', reason: 'rendered too late' } as const;
    let code = 'unsubscribe';
    let wasAwaited = false;
    // Most answers are there at once, and what has not been waited for can't have come too late.
    const waited = <T>(answer: T | Promise<T>): T | Promise<T> => {
      wasAwaited ||= answer instanceof Promise;
      return answer;
    };
    let message: EmailMessage;
    try {
      const link = waited(this.#linkOf(idx, addressee, wanted));
      const known = link instanceof Promise ? await link : link;
      code = 'template';
      const rendering = waited(this.#write(idx, addressee, known, wanted));
      message = rendering instanceof Promise ? await rendering : rendering;
      if (isTooLate()) return tooLate;
    } catch (error) {
      // What fails while everything ends may have failed because of that.
      if (isTooLate()) return tooLate;
      return settled(idx, 'error', code, reasonOf(error));
    }
    this.parts.faultPoints.reach('beforeHandOver');
    const handOver = await this.#handOver(idx, message, consent);
    return toAttempt(idx, handOver, this.#contactOf(addressee));
  }

  /** Nobody was mailed himself where all messages go to one address, and its refusal says nothing about his own. */
  #contactOf({ mailbox, userId }: Addressee): Contact | undefined {
    return this.info.messageTo === undefined ? { address: mailbox.address, userId } : undefined;
  }

  #terms(call: string, stop?: AbortSignal): HostCallTerms {
    return { call, timeoutMs: this.parts.hostCallTimeoutMs, stop };
  }

  async #ask<T>(terms: HostCallTerms, ask: () => Promise<T>): Promise<T> {
    this.asked = { what: `the answer of ${terms.call}`, since: performance.now() };
    try {
      return await askHost(terms, ask);
    } finally {
      this.asked = null;
    }
  }

  async #profilesOf(
    recipients: MarkedRecipient[],
    stop?: AbortSignal,
  ): Promise<Map<string, RecipientProfile> | null> {
    const { profiles } = this.parts;
    const ids = recipients.flatMap((one) => (one.userId === undefined ? [] : [one.userId]));
    if (ids.length === 0 || !profiles) return null;
    const call = 'ProfileRepository.findByIds';
    const found = await this.#ask(this.#terms(call, stop), () => profiles.findByIds(ids));
    assertAnswer(call, 'a Map of profiles by id', Map, found);
    return found;
  }

  #linkOf(
    idx: number,
    { mailbox, userId }: Addressee,
    stop?: AbortSignal,
  ): UnsubscribeLink | undefined | Promise<UnsubscribeLink> {
    const terms = this.#terms('unsubscribe.url', stop);
    return this.parts.links?.linkFor(idx, mailbox.address, userId, terms);
  }

  #write(
    idx: number,
    { mailbox, variables }: Addressee,
    link: UnsubscribeLink | undefined,
    stop?: AbortSignal,
  ): EmailMessage | Promise<EmailMessage> {
    const known = link ? { ...variables, unsubscribeUrl: link.url } : variables;
    const terms = {
      call: 'MailingTemplate.render',
      timeoutMs: this.parts.messageTimeoutMs,
      option: 'run.messageTimeoutMs',
      stop,
    };
    const rendered = callHost(terms, () => this.template.render(this.#context.of(known)));
    const toMessage = (email: RenderedEmail): EmailMessage =>
      this.#composer.compose(idx, mailbox, email, link?.headers);
    return rendered instanceof Promise ? rendered.then(toMessage) : toMessage(rendered);
  }

  async #handOver(idx: number, message: EmailMessage, { stop, begin }: RunConsent): Promise<HandOver> {
    let barred: HandOver | null = null;
    const noted = <T>(step: () => T): T => {
      try {
        return step();
      } catch (error) {
        const text = reasonOf(error);
        barred = { kind: 'not_begun', blame: error instanceof LeaseLostError ? 'nobody' : 'transport', text };
        throw error;
      }
    };
    const mayBegin: Begin = () => {
      const confirm = noted(() => begin(idx));
      return () => noted(confirm);
    };
    if (this.parts.sender.callsBegin) {
      const handOver = await this.#withinDeadline(stop, message, mayBegin);
      return barred ?? handOver;
    }
    try {
      mayBegin()();
    } catch {
      return barred!;
    }
    return this.#withinDeadline(stop, message);
  }

  #withinDeadline(stop: AbortSignal, message: EmailMessage, begin?: Begin): Promise<HandOver> {
    const deadline = this.#deadlines.begin(stop);
    return new Promise((resolve) => {
      const giveUp = (): void => {
        const text = `no answer within ${this.parts.messageTimeoutMs} ms`;
        settle({ kind: 'unknown', code: 'deadline', text });
      };
      const settle = (handOver: HandOver): void => {
        deadline.over(giveUp);
        resolve(handOver);
      };
      deadline.waitFor(giveUp);
      // A sender of the host that breaks its contract: nobody can know how far the message got.
      const fail = (error: unknown): void => {
        const text = reasonOf(error);
        settle({ kind: 'unknown', code: 'sender', text });
      };
      askHostUntimed(() => this.parts.sender.send(message, deadline.signal, begin))
        .then(checkedHandOver)
        .then(settle, fail);
    });
  }
}

/** Of a profile nobody knows it yet. */
function addressOf({ email }: MarkedRecipient): string[] {
  const mailbox = parseRecipient(email);
  return mailbox ? [mailbox.address] : [];
}

async function pass(
  gate: RecipientGate,
  prepared: PreparedRecipient[],
  upcoming: () => string[],
): Promise<void> {
  const candidates: Candidate[] = [];
  for (const { idx, addressee } of prepared) {
    if ('skip' in addressee) continue;
    candidates.push({ idx, address: addressee.mailbox.address, userId: addressee.userId });
  }
  if (candidates.length === 0) return;
  const barred = await gate.bar(candidates, upcoming);
  for (const one of prepared) one.addressee = barred.get(one.idx) ?? one.addressee;
}

function toAttempt(idx: number, handOver: HandOver, contact: Contact | undefined): Attempt {
  switch (handOver.kind) {
    case 'accepted':
      return settled(idx, 'sent', null, null, contact);
    case 'refused': {
      const { permanent, code, text, subject } = handOver;
      if (!permanent) return { kind: 'temporary', idx, code, text, subject };
      const known = contact && { ...contact, isUnknown: isNoSuchUser(code) };
      return { kind: 'settled', outcome: { idx, status: 'error', code, text, contact: known, subject } };
    }
    case 'throttled':
      return { kind: 'returned', idx, blame: 'throttle', reason: handOver.text };
    case 'unknown':
      return settled(idx, 'in_doubt', handOver.code, handOver.text);
    case 'not_begun':
      return { kind: 'returned', idx, blame: handOver.blame, reason: handOver.text };
  }
}
