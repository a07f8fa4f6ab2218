export { MailingModule } from './mailing.module.js';
export { calledOnce, noteCall, type NotedCall, type OnceTerms } from './mailing-calls.providers.js';
export type { MailingModuleExtras, MailingOptionsFactory } from './mailing-module.definition.js';

export { TemplateEmailSender } from './work/template-email.sender.js';
export {
  type ResumeReport,
  type SweepReport,
  TemplateEmailRestarter,
} from './work/template-email.restarter.js';
export { type Duty, TemplateEmailPeriodicService } from './work/template-email-periodic.service.js';
export { TemplateEmailRehearsal } from './work/template-email.rehearsal.js';
export { MailingHealth } from './work/mailing.health.js';
export { MailingQuery, type RecipientFilter } from './work/mailing.query.js';
export { MailingProfiles } from './work/mailing.profiles.js';
export { MailingSuppressions } from './work/mailing.suppressions.js';
export { SlotService } from './work/slot.service.js';
export type { SlotOptions } from './work/slot.registry.js';
export {
  MailerAdapterRenderer,
  type MailerAdapterRendererOptions,
} from './delivery/mailer-adapter.renderer.js';
export { PollingDispatcher } from './work/polling.dispatcher.js';
export { type RecipientQueryOptions, recipientsFromQuery } from './store/recipients-from-query.js';
export { TypeOrmSuppressionList } from './store/type-orm-suppression.list.js';
export { TemplateEmailBatchPersister } from './store/template-email-batch.persister.js';
export { TypeOrmProfileRepository } from './store/type-orm-profile.repository.js';
export { TemplateEmailPersister } from './store/template-email.persister.js';
export {
  type BuriedServer,
  type IsKnownDead,
  type RegisteredServer,
  TemplateEmailBatchServerPersister,
} from './store/template-email-batch-server.persister.js';
export type { ServerIdentity } from './store/statements/register-server.js';

export type {
  AddressOptions,
  BatchOptions,
  ErrorGuardOptions,
  MailingModuleOptions,
  ProfileOptions,
  RetryOptions,
  RunOptions,
  ServerOptions,
} from './model/mailing-options.js';
export type {
  DoubtfulRecipient,
  InDoubtPolicy,
  InDoubtResolver,
  InDoubtVerdict,
} from './model/in-doubt-policy.js';
export type {
  AttachmentOptions,
  AttachmentPlace,
  TemplateHelper,
  TemplateOptions,
  TextOptions,
} from './model/content-options.js';
export type {
  BatchName,
  BatchWork,
  ClaimedBatch,
  Dispatcher,
  DispatcherContext,
} from './model/dispatcher.js';
export type { SendOptions } from './model/send-options.js';
export type {
  TemplateEmailAttachment,
  TemplateEmailInfo,
  TemplateEmailRequest,
} from './model/template-email-info.js';
export {
  type FilledSlot,
  type GivenSlots,
  type ProfileSlotContent,
  type ProfileSlotContents,
  SlotFilling,
} from './model/slot-filling.js';
export type {
  AddressRecipient,
  ProfileRecipient,
  Recipient,
  RecipientRecord,
  Recipients,
} from './model/recipient.js';
export { beginReading } from './model/source-reading.js';
export { SOURCE_TIMEOUT_MS, SourceWatch } from './model/source-watch.js';
export type {
  MailingTemplate,
  RenderedEmail,
  RenderedHeaders,
  ShownSlot,
  TemplateContent,
  TemplateFills,
  TemplateRenderer,
} from './model/template.renderer.js';
export { type Mailbox } from './model/email-address.js';
export type { ProfileRepository, RecipientProfile } from './model/profile.repository.js';
export type { ProfileColumn, ProfileMapping, ProfileWord } from './model/profile-mapping.js';
export type { UnsubscribeOptions, UnsubscribeWho } from './model/unsubscribe.options.js';
export {
  type UnsubscribeTarget,
  UnsubscribeTokens,
  type UnsubscribeTokensOptions,
} from './model/unsubscribe.tokens.js';
export type { SuppressionList } from './model/suppression-list.js';
export type { ExecutionResult } from './model/execution-result.js';
export type { MailingHandle, MailingResult } from './model/mailing-handle.js';
export type {
  MailingFinding,
  MailingFindingCode,
  MailingHealthReport,
  ServerStanding,
} from './model/mailing-health.report.js';
export type { RehearsalOptions, RehearsalReport } from './model/rehearsal.report.js';
export type { EmailMessage } from './delivery/email-message.sender.js';
export type { MailingFilter, MailingOverview, ReasonCount } from './model/mailing-overview.js';
export type { MailingStatus } from './model/mailing-status.js';
export type { BatchStatus } from './model/batch-status.js';
export type { RecipientStatus } from './model/recipient-status.js';
export {
  type MailingEventMap,
  MailingEvents,
  type MailingListener,
  type MailingOrder,
} from './model/mailing-event.js';
export { TypedEvents } from './model/typed-events.js';

export { mailingEntities } from './model/mailing-entities.js';
export { mailingMigrations } from './store/migrations/mailing-migrations.js';
export { Mailing } from './model/mailing.entity.js';
export { UserMailing } from './model/user-mailing.entity.js';
export { EmailAddress } from './model/email-address.entity.js';
export { MailServer } from './model/mail-server.entity.js';
export { MailAddressTaken } from './model/mail-address-taken.entity.js';
export { MailAttachment } from './model/mail-attachment.entity.js';
export { MailBatch } from './model/mail-batch.entity.js';
export { MailDeferred } from './model/mail-deferred.entity.js';
export { MailSuppression } from './model/mail-suppression.entity.js';
export { MailTemplate } from './model/mail-template.entity.js';
export { MailSlot } from './model/mail-slot.entity.js';
export { MailTrackdata } from './model/mail-trackdata.entity.js';

export {
  AttachmentDownloadError,
  AttachmentNotKeptError,
  AttachmentStreamError,
  AttachmentTooLargeError,
} from './model/attachment.errors.js';
export { FieldTooLongError, RenderedTooLongError } from './model/bound.errors.js';
export {
  DatabaseSettingError,
  type HarmfulSetting,
  UnsafeConnectionError,
} from './model/database-setting.errors.js';
export { DroppedRowError, RefusedRowError } from './model/dropped-row.error.js';
export type { ResumePolicy } from './model/resume-policy.js';
export { MailingError } from './model/mailing.error.js';
export { publicReasonOf, toPublicText, reasonOf } from './model/public-text.js';
export { kindOf, numberOrKindOf } from './model/value-kind.js';
export { DatabaseBehindError } from './model/database-behind.error.js';
export { ReadOnlyServerError } from './model/read-only-server.error.js';
export { HostTransactionOpenError } from './model/host-transaction.error.js';
export { AsyncContext, ModuleContext } from './model/async-context.js';
export { askHost, HOST_CALL_TIMEOUT_MS, HostAnswerError, type HostCallTerms, HostSilentError, takeFromHost, tellHost } from './model/host-call.js';
export { InvalidArgumentError } from './model/argument.errors.js';
export { type AddressNormalizer, AddressNormalizerError } from './model/address-key.js';
export { TemplateValueError } from './model/template-value.error.js';
export { RecipientQueryError } from './model/recipient-query.error.js';
export { SuppressionAddressError, SuppressionListMissingError } from './model/suppression.errors.js';
export {
  SlotContentError,
  SlotDefinitionError,
  SlotNameNotLiteralError,
  SlotNotPersistentError,
  SlotUnknownError,
} from './model/slot.errors.js';
export { MailingEndedError, MailingUnknownError, UnknownOrderError } from './model/order.errors.js';
export type { IdHolder } from './model/id-holder.js';
export { MailingModuleTwiceError, type ModuleCall } from './model/module-twice.error.js';
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
  BulkSmtpUnfitError,
  JournalFolderError,
  TransporterMissingError,
  UnsubscribeSecretError,
  UnsupportedDatabaseError,
} from './model/setup.errors.js';
export {
  HeaderLineBreakError,
  InvalidFieldError,
  InvalidHeaderAddressError,
  MissingFieldError,
  ProfileRepositoryMissingError,
  RecipientListError,
  RecipientSkippedError,
  ServerStandingByError,
  ServerStoppingError,
  SourceProtocolError,
  SourceUsedUpError,
  TemplateEmailRefusal,
  TemplateEncodingError,
  TemplateFrontMatterError,
  TemplateMissingError,
  TemplateNotCompilingError,
  TemplateNotKeptError,
  TemplateOutsideFolderError,
  UnknownFieldError,
  UnknownRecipientsError,
  UnstorableValueError,
} from './model/refusal.errors.js';
export { toOneLine } from './model/bounded-text.js';
