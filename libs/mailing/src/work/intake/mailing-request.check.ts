import type { NamedSenders } from '../../delivery/transport/named.senders.js';
import type { TemplateFills } from '../../model/ports/template.renderer.js';
import { AsyncContext } from '../../model/host-calls/async-context.js';
import { bareAddress, parseMailbox, parseMailboxes } from '../../model/addresses/email-address.js';
import { lookupChain } from '../../model/values/locale-tag.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { TransporterMissingError } from '../../model/options/setup.errors.js';
import { plainCopy } from '../../model/values/plain-copy.js';
import type { Recipients } from '../../model/mail/recipient.js';
import {
  HeaderInjectionError,
  InvalidFieldError,
  InvalidHeaderAddressError,
  MissingFieldError,
} from '../../model/errors/request.errors.js';
import { assertUnread, readIn } from '../../model/host-calls/source-reading.js';
import { toStorable } from '../../model/mail/storable.js';
import type { TemplateEmailAttachment, TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { takeAttachments } from './attachment.intake.js';
import { checkInfoFields } from './info-fields.check.js';
import { checkForProfiles, checkRecipients } from './recipients.check.js';
import { checkBounds, checkOneLine } from './request.bounds.js';
import { textOf } from './text-options.check.js';
import { hasControlCharacters } from '../../model/values/bounded-text.js';
import { HEADER_NAME, RESERVED_HEADERS } from '../../model/values/header-words.js';

/** Texts that become headers, or columns of one line. */
const ONE_LINE = [
  'subject',
  'from',
  'replyTo',
  'cc',
  'bcc',
  'messageTo',
  'name',
  'transporterName',
  'envelopeFrom',
  'locale',
  'siteId',
  'batchExecId',
] as const;

const MAX_BATCH = 1_000_000;
const MAX_TRACKING_TEXT = 254;

/** The context of a request check. */
export interface RequestTerms {
  persist: boolean;
  hasProfiles: boolean;
  /** A mailing with the same key may exist already; then the list is not read. */
  mayBeRepeat: boolean;
  attachments: MailingSettings['attachments'];
  recipientAttachments: MailingSettings['recipientAttachments'];
  /** A transaction of the host is open. */
  isInTransaction?: boolean;
  /** The text options of the module. */
  text: MailingSettings['templates']['text'];
  senders: NamedSenders;
}

/** A copy of a request. */
export interface CheckedRequest {
  /** Without attachments. */
  info: TemplateEmailInfo;
  /** The caller's own, to be read in the caller's context. */
  recipients: Recipients;
  /** Fetches the attachments that the caller did not give as bytes, in the caller's context. */
  fetchAttachments: () => Promise<TemplateEmailAttachment[] | undefined>;
  /** The slow part: checks a list that is an array. Throws ProfileRepositoryMissingError. */
  checkList: () => Promise<void>;
}

/**
 * Checks a request to send and copies it, before anything is written or awaited: after that the caller may change the object.
 *
 * @returns a copy; if the mailing is not persisted, class instances in `params` are still the caller's.
 * @throws UnknownRecipientsError, SourceConsumedError, MissingFieldError, InvalidFieldError, UnknownFieldError, FieldTooLongError,
 * HeaderInjectionError, InvalidHeaderAddressError, NotSerializableError; BulkSmtpUnsupportedError for a transport; for an attachment also
 * AttachmentStreamError, AttachmentTooLargeError.
 */
export function checkRequest(
  info: TemplateEmailInfo,
  recipients: Recipients,
  {
    persist,
    hasProfiles,
    mayBeRepeat,
    attachments,
    recipientAttachments,
    text,
    senders,
    isInTransaction,
  }: RequestTerms,
): CheckedRequest {
  checkRecipients(recipients);
  if (!mayBeRepeat) assertUnread(recipients, 'recipients');
  if (typeof info !== 'object' || info === null) throw new MissingFieldError('templateUrl', undefined);
  checkBounds(info);
  checkInfoFields(info);
  required('templateUrl', info.templateUrl);
  for (const field of ['subject', 'from'] as const)
    if (!info.fillFromTemplate || info[field] !== undefined) required(field, info[field]);
  for (const field of ONE_LINE) checkOneLine(field, info[field]);
  if (info.altTemplateUrl !== undefined) required('altTemplateUrl', info.altTemplateUrl);
  checkAddresses(info);
  if (info.sendAsHtml === false && info.sendAsText === false) {
    throw new InvalidFieldError('sendAsText', 'true where sendAsHtml is false', false);
  }
  if (info.locale !== undefined && lookupChain(info.locale).length === 0)
    throw new InvalidFieldError('locale', 'a language tag such as fr or fr-CA', info.locale);
  checkEnvelopeFrom(info.envelopeFrom);
  checkTransporter(info.transporterName, senders);
  checkFunction(info.recipientAttachments, recipientAttachments);
  checkBatch(info, persist);
  checkHeaders(info.headers ?? {});
  checkTrackingData(info.trackingData ?? {});
  const caller = new AsyncContext();
  return {
    info: { ...info, ...copiesOf(info, persist), text: textOf(info.text, text), attachments: undefined },
    recipients: readIn(caller, recipients),
    fetchAttachments: caller.bind(
      takeAttachments(info.attachments, attachments, isOne(recipients), isInTransaction),
    ),
    checkList: () => checkForProfiles(recipients, hasProfiles),
  };
}

function copiesOf(
  { headers, trackingData, params }: TemplateEmailInfo,
  persist: boolean,
): Partial<TemplateEmailInfo> {
  return {
    headers: toStorable(headers, 'headers'),
    trackingData: toStorable(trackingData, 'trackingData'),
    params: persist ? toStorable(params, 'params') : liveCopy(params),
  };
}

/** Copies params that are not stored; class instances in them are not copied. */
function liveCopy(params: TemplateEmailInfo['params']): TemplateEmailInfo['params'] {
  try {
    return plainCopy(params);
  } catch {
    throw new InvalidFieldError('params', 'an object that can be read', 'one that throws');
  }
}

/**
 * Adds what the template fills in.
 *
 * @throws MissingFieldError if neither the info nor the template gives a subject or a sender.
 */
export function fillRequest(info: TemplateEmailInfo, fills: TemplateFills | undefined): TemplateEmailInfo {
  if (!fills) return info;
  const filled = {
    ...info,
    name: fills.name ?? info.name,
    // If both give a subject or sender, recipients see the template's; the info's is for languages whose template gives none.
    subject: info.subject ?? fills.subject ?? undefined,
    from: info.from ?? fills.from ?? undefined,
  };
  for (const field of ['subject', 'from'] as const) required(field, filled[field]);
  return filled;
}

function isOne(recipients: Recipients): boolean {
  return Array.isArray(recipients) && recipients.length === 1;
}

/** @throws InvalidHeaderAddressError naming the field. */
function checkAddresses(info: TemplateEmailInfo): void {
  if (info.from !== undefined && !parseMailbox(info.from))
    throw new InvalidHeaderAddressError('from', info.from);
  for (const field of ['replyTo', 'cc', 'bcc'] as const) {
    if (info[field] !== undefined && !parseMailboxes(info[field]))
      throw new InvalidHeaderAddressError(field, info[field]);
  }
  if (info.messageTo !== undefined && !parseMailbox(info.messageTo))
    throw new InvalidHeaderAddressError('messageTo', info.messageTo);
}

/** The null sender `<>` is that of bounces themselves (RFC 5321 section 4.5.5), so a mailing without an address is none. */
function checkEnvelopeFrom(address: string | undefined): void {
  if (address !== undefined && bareAddress(address) === null)
    throw new InvalidFieldError('envelopeFrom', 'one address without a name', address);
}

function checkTransporter(name: string | undefined, senders: NamedSenders): void {
  const expected = 'the name of one of the transports of MailerModule';
  // The mailer would take an empty name for its default transport.
  if (name?.trim() === '') throw new InvalidFieldError('transporterName', expected, name);
  try {
    senders.of(name);
  } catch (error) {
    if (!(error instanceof TransporterMissingError)) throw error;
    throw new InvalidFieldError('transporterName', expected, name);
  }
}

function checkFunction(name: string | undefined, functions: RequestTerms['recipientAttachments']): void {
  if (name === undefined || Object.hasOwn(functions, name)) return;
  const expected = 'the name of one of the functions of the option recipientAttachments';
  throw new InvalidFieldError('recipientAttachments', expected, name);
}

function checkBatch({ batched, batchSize }: TemplateEmailInfo, persist: boolean): void {
  if (batched && !persist) {
    throw new InvalidFieldError('batched', 'absent or false where persist is not true', batched);
  }
  if (batchSize === undefined) return;
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH) {
    throw new InvalidFieldError('batchSize', `a whole number from 1 to ${MAX_BATCH}`, batchSize);
  }
}

function required(field: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '') throw new MissingFieldError(field, value);
}

function checkHeaders(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    const field = `headers[${JSON.stringify(name)}]`;
    if (hasControlCharacters(name)) throw new HeaderInjectionError(field, name);
    if (!HEADER_NAME.test(name))
      throw new InvalidFieldError(field, 'named by printable ASCII without colon', name);
    if (RESERVED_HEADERS.has(name.toLowerCase())) {
      throw new InvalidFieldError(field, 'a header that the mailing does not write itself', name);
    }
    checkOneLine(field, value);
  }
}

function checkTrackingData(data: Record<string, string>): void {
  for (const [key, value] of Object.entries(data)) {
    const fits =
      typeof value === 'string' && key.length <= MAX_TRACKING_TEXT && value.length <= MAX_TRACKING_TEXT;
    if (!fits) {
      const expected = `a text of at most ${MAX_TRACKING_TEXT} characters, as its key`;
      throw new InvalidFieldError(`trackingData[${JSON.stringify(key)}]`, expected, value);
    }
  }
}
