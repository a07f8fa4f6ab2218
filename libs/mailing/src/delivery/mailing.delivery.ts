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
import type {
  Begin,
  EmailMessage,
  EmailMessageSender,
  HandOver,
} from '../model/ports/email-message.sender.js';
import { checkedHandOver } from './transport/hand-over.check.js';
import { type MadeByHost, MessageComposer } from './mime/message.composer.js';
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
import { type ParameterProcessing, PROCESS_CALL } from './recipients/parameter.processing.js';
import { handOutSlots, type SlotSource } from './recipients/slot.source.js';
import type { MailingTemplate, RenderedEmail } from '../model/ports/template.renderer.js';
import { answered } from './recipients/lookup-failed.error.js';
import { LeaseLostError } from './lease-lost.error.js';
import type { HostMade, HostMadePart } from './recipients/host-made.js';
import { isSourceDown } from './recipients/recipient.attachments.js';
import type { UnsubscribeLink, UnsubscribeLinks } from './recipients/unsubscribe.links.js';
import { RenderedHeaderError } from '../model/errors/rendered-header.error.js';
import { reasonOf } from '../model/values/public-text.js';

/** A recipient whose profile has been looked up. */
export interface PreparedRecipient {
  idx: number;
  addressee: Addressee | Skip;
}

/** The signals and permissions that a run gives to its messages. */
export interface RunConsent {
  /** Aborts when the process has no more time. A message in flight then ends with what is known of it. */
  stop: AbortSignal;
  /** Aborts when no message may begin any more. A message that is being rendered is then not waited for: nothing of it has left the process. */
  wanted: () => AbortSignal;
  /** Asked again after an awaited rendering, because a lease may have run out meanwhile. */
  mayStart: () => boolean;
  /** The `Begin` of the message to this recipient. */
  begin: (idx: number) => ReturnType<Begin>;
}

export interface MailingDeliveryParts {
  sender: EmailMessageSender;
  profiles: ProfileRepository | null;
  /** Null: no limit on how often a profile is mailed. */
  fatigue: ContactFatigue | null;
  /** Asked in this order. */
  gates: RecipientGate[];
  /** Null: messages without unsubscribe links. */
  links: Pick<UnsubscribeLinks, 'linkFor'> | null;
  /** Absent: the host makes nothing for single messages. */
  hostMade?: HostMade;
  /** Null for templates that show no slot. */
  slots: SlotSource | null;
  /** Null: the host gave no parameter processor. */
  processing: Pick<ParameterProcessing, 'of'> | null;
  /** Headers of every message that say which process sent it; empty: none. */
  debugHeaders: Record<string, string>;
  messageTimeoutMs: number;
  hostCallTimeoutMs: number;
  faultPoints: FaultPoints;
}

/** Turns the recipients of one mailing into messages and hands them over, one by one. */
export class MailingDelivery {
  readonly #composer: MessageComposer;
  readonly #context: TemplateContext;
  readonly #deadlines: MessageDeadlines;
  /** The call to the host that `prepare` waits for, and since when by `performance.now()`. */
  asked: { what: string; since: number } | null = null;

  constructor(
    identity: string,
    private readonly info: TemplateEmailInfo,
    private readonly template: MailingTemplate,
    private readonly parts: MailingDeliveryParts,
  ) {
    this.#composer = new MessageComposer(identity, info, parts.debugHeaders);
    this.#context = new TemplateContext(identity, info);
    this.#deadlines = new MessageDeadlines(parts.messageTimeoutMs);
  }

  /**
   * Reads the profiles of one commit in one query, then their slots, then asks each gate once about the recipients that are not skipped yet.
   *
   * Slots come before the gates: a profile that is skipped for its content must not claim its address, which may belong to another profile too.
   * The host's parameter processor comes last: it is asked about no recipient that a gate skips.
   *
   * @param upcoming the recipients that come next, as far as known.
   * @param stop aborts when no message may begin any more: then no answer is waited for.
   * @throws what `ProfileRepository.findByIds` throws; LookupFailedError if a gate, the slots or the parameter processor can't be asked;
   * HostSilentError; HostAnswerError if the profiles are no Map; the reason of `stop`.
   */
  async prepare(
    recipients: MarkedRecipient[],
    upcoming: readonly MarkedRecipient[] = [],
    stop?: AbortSignal,
  ): Promise<PreparedRecipient[]> {
    const { slots, gates, processing } = this.parts;
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
    if (processing) await this.#noting(PROCESS_CALL, () => processing.of(prepared, stop));
    return prepared;
  }

  /** @throws what the template, or the host's builder of links or envelope senders, or its parameter processor, throws for this recipient. */
  async compose(idx: number, addressee: Addressee): Promise<EmailMessage> {
    if (addressee.fault) throw addressee.fault.error;
    const link = await this.#linkOf(idx, addressee);
    return this.#write(idx, addressee, link, await this.#madeFor(idx, addressee));
  }

  /** Sends to one recipient. */
  async deliver({ idx, addressee }: PreparedRecipient, consent: RunConsent): Promise<Attempt> {
    const { mayStart } = consent;
    const wanted = consent.wanted();
    const isTooLate = (): boolean => wasAwaited && (wanted.aborted || !mayStart());
    if ('skip' in addressee) return settled(idx, 'skipped', addressee.skip, addressee.text);
    if (addressee.fault) return settled(idx, 'error', addressee.fault.code, reasonOf(addressee.fault.error));
    const tooLate = { kind: 'returned', idx, blame: 'none', reason: 'rendered too late' } as const;
    let code = 'unsubscribe';
    let wasAwaited = false;
    // Only an answer that was waited for can be too late; most are there at once.
    const waited = <T>(answer: T | Promise<T>): T | Promise<T> => {
      wasAwaited ||= answer instanceof Promise;
      return answer;
    };
    let message: EmailMessage;
    try {
      const link = waited(this.#linkOf(idx, addressee, wanted));
      const known = link instanceof Promise ? await link : link;
      const asked = waited(this.#madeFor(idx, addressee, wanted, (part) => (code = part)));
      const made = asked instanceof Promise ? await asked : asked;
      code = 'template';
      const rendering = waited(this.#write(idx, addressee, known, made, wanted));
      message = rendering instanceof Promise ? await rendering : rendering;
      if (isTooLate()) return tooLate;
    } catch (error) {
      // A failure after the stop may be caused by the stop, so it is not recorded as an error.
      if (isTooLate()) return tooLate;
      if (error instanceof RenderedHeaderError) code = 'headers';
      if (code === 'attachments' && isSourceDown(error))
        return { kind: 'temporary', idx, code, text: reasonOf(error) };
      return settled(idx, 'error', code, reasonOf(error));
    }
    this.parts.faultPoints.reach('beforeHandOver');
    const handOver = await this.#handOver(idx, message, consent);
    return toAttempt(idx, handOver, this.#contactOf(addressee));
  }

  /** Undefined with `messageTo`: deliveries to that one address, and refusals of it, say nothing about the recipient's own address. */
  #contactOf({ mailbox, userId }: Addressee): Contact | undefined {
    return this.info.messageTo === undefined ? { address: mailbox.address, userId } : undefined;
  }

  #terms(call: string, stop?: AbortSignal): HostCallTerms {
    return { call, timeoutMs: this.parts.hostCallTimeoutMs, stop };
  }

  #ask<T>(terms: HostCallTerms, ask: () => Promise<T>): Promise<T> {
    return this.#noting(terms.call, () => askHost(terms, ask));
  }

  /** Shows the call as what the run waits for. */
  async #noting<T>(call: string, wait: () => Promise<T>): Promise<T> {
    this.asked = { what: `the answer of ${call}`, since: performance.now() };
    try {
      return await wait();
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

  #madeFor(
    idx: number,
    addressee: Addressee,
    stop?: AbortSignal,
    begin?: (part: HostMadePart) => void,
  ): MadeByHost | Promise<MadeByHost> {
    const terms = this.#terms('recipientAttachments', stop);
    return this.parts.hostMade?.make(idx, addressee, terms, begin) ?? {};
  }

  #write(
    idx: number,
    { mailbox, variables }: Addressee,
    link: UnsubscribeLink | undefined,
    byHost: MadeByHost,
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
      this.#composer.compose(idx, mailbox, email, link?.headers, byHost);
    return rendered instanceof Promise ? rendered.then(toMessage) : toMessage(rendered);
  }

  async #handOver(idx: number, message: EmailMessage, { stop, begin }: RunConsent): Promise<HandOver> {
    let barred: HandOver | null = null;
    const noted = <T>(step: () => T): T => {
      try {
        return step();
      } catch (error) {
        const text = reasonOf(error);
        barred = { kind: 'not_begun', blame: error instanceof LeaseLostError ? 'none' : 'transport', text };
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
      // A host's sender that rejects breaks its contract: it is unknown how far the message got.
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

/** Empty for a profile: its address is not known before its profile is read. */
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
      return {
        kind: 'returned',
        idx,
        blame: 'throttle',
        reason: handOver.text,
        retryAfterMs: handOver.retryAfterMs,
      };
    case 'unknown':
      return settled(idx, 'in_doubt', handOver.code, handOver.text);
    case 'not_begun':
      return { kind: 'returned', idx, blame: handOver.blame, reason: handOver.text };
  }
}
