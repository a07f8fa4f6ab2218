/**
 * The module, what a host injects, and the types of both.
 *
 * @module nestjs-mailing
 */
export { MailingModule } from './module/mailing.module.js';
export { calledOnce, noteCall, type NotedCall, type OnceTerms } from './module/module-calls.js';
export type { MailingModuleExtras, MailingOptionsFactory } from './module/mailing-module.definition.js';

export { TemplateEmailSender } from './work/template-email.sender.js';
export { TemplateEmailRestarter } from './work/sweeps/template-email.restarter.js';
export type { ResumeReport, SweepReport } from './work/sweeps/restart.sweep.js';
export { TemplateEmailPeriodicService } from './work/servers/template-email-periodic.service.js';
export type { PeriodicTask } from './work/servers/heartbeat.timer.js';
export { TemplateEmailPreview } from './work/template-email.preview.js';
export { MailingHealth } from './work/mailing.health.js';
export { MailingQuery, type RecipientFilter } from './work/mailing.query.js';
export { MailingProfiles } from './work/recipients/mailing.profiles.js';
export { MailingSuppressions } from './work/recipients/mailing.suppressions.js';
export { SlotService } from './work/slot.service.js';
export type { SlotOptions } from './work/intake/slot.registry.js';
export {
  MailerAdapterRenderer,
  type MailerAdapterRendererOptions,
} from './delivery/adapters/mailer-adapter.renderer.js';
export { MailerMessageSender } from './delivery/mailer/mailer-message.sender.js';
export { PollingDispatcher } from './work/execution/polling.dispatcher.js';
export { type RecipientQueryOptions, recipientsFromQuery } from './store/host/recipients-from-query.js';
export { TypeOrmSuppressionList } from './store/host/type-orm-suppression.list.js';
export { TemplateEmailBatchPersister } from './store/claims/template-email-batch.persister.js';
export { TypeOrmProfileRepository } from './store/host/type-orm-profile.repository.js';
export { TemplateEmailPersister } from './store/intake/template-email.persister.js';
export {
  type PrunedServer,
  type IsKnownDead,
  TemplateEmailBatchServerPersister,
} from './store/servers/template-email-batch-server.persister.js';
export type { RegisteredServer } from './store/servers/read-servers.js';
export type { ServerIdentity } from './store/servers/server-identity.js';

export type { MailingModuleOptions } from './model/options/mailing-options.js';
export type { AddressOptions, ProfileOptions } from './model/options/recipient-options.js';
export type { BatchOptions, JournalOptions, ServerOptions } from './model/options/server-options.js';
export type { ErrorGuardOptions, RetryOptions, RunOptions } from './model/options/run-options.js';
export type {
  DoubtfulRecipient,
  InDoubtPolicy,
  InDoubtResolver,
  InDoubtVerdict,
} from './model/options/in-doubt-policy.js';
export type {
  AttachmentOptions,
  AttachmentStorageOption,
  TemplateHelper,
  TemplateOptions,
  TextConverter,
} from './model/options/content-options.js';
export type {
  BatchName,
  BatchWork,
  ClaimedBatch,
  Dispatcher,
  DispatcherContext,
} from './model/ports/dispatcher.js';
export type { EmailToUserOptions, SendOptions, TransactionalSendOptions } from './model/mail/send-options.js';
export type { TextOptions } from './model/mail/text-options.js';
export type {
  TemplateEmailAttachment,
  TemplateEmailInfo,
  TemplateEmailRequest,
} from './model/mail/template-email-info.js';
export {
  type FilledSlot,
  type GivenSlots,
  type ProfileSlotContent,
  type ProfileSlotContents,
  SlotFilling,
} from './model/mail/slot-filling.js';
export type {
  AddressRecipient,
  ProfileRecipient,
  Recipient,
  RecipientRecord,
  Recipients,
} from './model/mail/recipient.js';
export { targeted } from './model/mail/targeted.js';
export { beginReading, isIterable } from './model/host-calls/source-reading.js';
export { SOURCE_TIMEOUT_MS, SourceWatch } from './model/host-calls/source-watch.js';
export {
  type MailingTemplate,
  type RenderedEmail,
  type RenderedHeaders,
  type ShownSlot,
  type TemplateContent,
  type TemplateFills,
  type TemplateRenderer,
  TEMPLATE_RENDERER,
} from './model/ports/template.renderer.js';
export { type Mailbox } from './model/addresses/email-address.js';
export type { ProfileRepository, RecipientProfile } from './model/ports/profile.repository.js';
export {
  type ParameterProcessor,
  ParameterSourceDownError,
  type ProcessedParameters,
  type RecipientParameters,
} from './model/ports/parameter.processor.js';
export type { ProfileColumn, ProfileMapping, ProfileWord } from './model/ports/profile-mapping.js';
export type {
  EnvelopeFrom,
  EnvelopeRecipient,
  HeaderRecipient,
  MessageHeadersOf,
  RecipientAttachmentsOf,
} from './model/options/host-made.options.js';
export type { RecipientAttachment } from './model/mail/recipient-attachment.js';
export {
  AttachmentSourceDownError,
  RecipientAttachmentsMissingError,
} from './model/errors/recipient-attachments.errors.js';
export type { UnsubscribeOptions, UnsubscribeRecipient } from './model/options/unsubscribe.options.js';
export {
  type UnsubscribeTarget,
  UnsubscribeTokens,
  type UnsubscribeTokensOptions,
} from './model/options/unsubscribe.tokens.js';
export type { SuppressionList } from './model/ports/suppression-list.js';
export type { ExecutionResult } from './model/reports/execution-result.js';
export type {
  MailingHandle,
  MailingResult,
  TransactionalMailingHandle,
} from './model/reports/mailing-handle.js';
export type {
  MailingFinding,
  MailingFindingCode,
  MailingHealthReport,
  ServerState,
} from './model/reports/mailing-health.report.js';
export type { DryRunOptions, DryRunReport } from './model/reports/dry-run.report.js';
export {
  type Begin,
  EMAIL_MESSAGE_SENDER,
  type EmailMessage,
  type EmailMessageSender,
  type HandOver,
  type PreparedSender,
} from './model/ports/email-message.sender.js';
export { ApiMessageSender, type EmailApi, type EmailApiCall } from './delivery/api/api-message.sender.js';
export { type ApiAnswer, ApiSendError, type ApiVerdict } from './delivery/api/api-send.error.js';
export { type Token } from './model/values/token.js';
export type { MailingFilter, MailingOverview, ReasonCount } from './model/reports/mailing-overview.js';
export type { MailingStatus } from './model/states/mailing-status.js';
export type { BatchStatus } from './model/states/batch-status.js';
export type { RecipientStatus, SettledStatus } from './model/states/recipient-status.js';
export type { RefusalSubject } from './model/states/outcome.js';
export {
  type MailingEventMap,
  MailingEvents,
  type MailingListener,
  type MailingCommand,
  type RunEndStatus,
} from './model/reports/mailing-event.js';
export { setTestSeam, type TestActivity, type TestControl, type TestSeam } from './model/ports/test-seam.js';
export { TypedEvents } from './model/reports/typed-events.js';

export { mailingEntities } from './model/tables/mailing-entities.js';
export { mailingMigrations } from './store/migrations/mailing-migrations.js';
export { Mailing } from './model/tables/mailing.entity.js';
export { UserMailing } from './model/tables/user-mailing.entity.js';
export { EmailAddress } from './model/tables/email-address.entity.js';
export { MailServer } from './model/tables/mail-server.entity.js';
export { MailAddressClaim } from './model/tables/mail-address-claim.entity.js';
export { MailAttachment } from './model/tables/mail-attachment.entity.js';
export { MailBatch } from './model/tables/mail-batch.entity.js';
export { MailDeferred } from './model/tables/mail-deferred.entity.js';
export { MailSuppression } from './model/tables/mail-suppression.entity.js';
export { MailTemplate } from './model/tables/mail-template.entity.js';
export { MailSlot } from './model/tables/mail-slot.entity.js';
export { MailTrackdata } from './model/tables/mail-trackdata.entity.js';

export {
  AttachmentDownloadError,
  AttachmentNotStoredError,
  AttachmentStreamError,
  AttachmentTooLargeError,
} from './model/mail/attachment.errors.js';
export { RenderedHeaderError } from './model/errors/rendered-header.error.js';
export { FieldTooLongError, RenderedTooLongError } from './model/errors/bound.errors.js';
export {
  DatabaseSettingError,
  type HarmfulSetting,
  UnsafeConnectionError,
} from './model/errors/database-setting.errors.js';
export { DroppedRowError, RefusedRowError } from './model/errors/dropped-row.error.js';
export type { ResumePolicy } from './model/options/resume-policy.js';
export { MailingError } from './model/errors/mailing.error.js';
export { publicReasonOf, toPublicText, reasonOf } from './model/values/public-text.js';
export { kindOf, numberOrKindOf } from './model/values/value-kind.js';
export { DatabaseBehindError } from './model/errors/database-behind.error.js';
export { ReadOnlyServerError } from './model/errors/read-only-server.error.js';
export {
  HostTransactionOpenError,
  MailingNotCommittedError,
  TransactionDatabaseError,
  TransactionKeyBusyError,
  TransactionListTooLongError,
} from './model/errors/host-transaction.errors.js';
export type {
  HostTransaction,
  ListCut,
  MailingPersister,
  MailingTerms,
  NumberedRecipient,
  StoredMailing,
  WrittenChunk,
} from './model/ports/mailing.persister.js';
export type {
  InvalidEntry,
  InvalidReason,
  ListedAddress,
  ListedRecipient,
} from './model/mail/listed-recipient.js';
export { AsyncContext, ModuleContext } from './model/host-calls/async-context.js';
export {
  askHost,
  HOST_CALL_TIMEOUT_MS,
  HostAnswerError,
  type HostCallTerms,
  HostSilentError,
  takeFromHost,
  tellHost,
} from './model/host-calls/host-call.js';
export { InvalidArgumentError } from './model/errors/argument.errors.js';
export { type AddressNormalizer, AddressNormalizerError } from './model/addresses/address-key.js';
export { TemplateValueError } from './model/mail/template-value.error.js';
export { RecipientQueryError } from './model/mail/recipient-query.error.js';
export { SuppressionAddressError, SuppressionListMissingError } from './model/ports/suppression.errors.js';
export {
  SlotContentError,
  SlotDefinitionError,
  SlotNameNotLiteralError,
  SlotNotPersistentError,
  SlotUnknownError,
} from './model/mail/slot.errors.js';
export { MailingEndedError, MailingNotFoundError } from './model/errors/command.errors.js';
export type { IdHolder } from './model/errors/id-holder.js';
export { MailingModuleTwiceError, type ModuleCall } from './model/options/module-twice.error.js';
export {
  AttachmentFolderError,
  MailerAdapterMissingError,
  MailerMissingError,
  MailingDataSourceMissingError,
  MailingEntitiesMissingError,
  MailingMigrationsMissingError,
  MailingOptionsError,
  MailingOptionsFactoryError,
  ProfileColumnsMissingError,
  ProfileEntityMissingError,
  BulkSmtpUnsupportedError,
  JournalFolderError,
  NodemailerVersionError,
  TransporterMissingError,
  UnsubscribeSecretError,
  UnsupportedDatabaseError,
} from './model/options/setup.errors.js';
export { ProofNotSentError, RecipientSkippedError } from './model/errors/preview.errors.js';
export {
  HeaderInjectionError,
  InvalidFieldError,
  InvalidHeaderAddressError,
  MissingFieldError,
  ProfileRepositoryMissingError,
  RecipientListError,
  ServerStandbyError,
  ServerShuttingDownError,
  SourceProtocolError,
  SourceConsumedError,
  TemplateEmailRequestError,
  TemplateEncodingError,
  TemplateFrontMatterError,
  TemplateMissingError,
  TemplateNotCompilingError,
  TemplateNotStoredError,
  TemplateOutsideFolderError,
  UnknownFieldError,
  UnknownRecipientsError,
  NotSerializableError,
} from './model/errors/request.errors.js';
export { toOneLine } from './model/values/bounded-text.js';
