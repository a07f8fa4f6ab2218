import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mailingEntities } from 'nestjs-mailing';
import { getMetadataArgsStorage } from 'typeorm';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { MAILING_TRANSITIONS } from '../../libs/mailing/src/model/states/mailing-status.js';
import { ANCESTOR_COLUMNS, ANCESTOR_NAMES } from '../../scripts/pages/ancestor-names.js';
import { ancestorPage, referencesOf } from '../../scripts/pages/ancestor.page.js';
import { describedOptions } from '../../scripts/pages/options.page.js';
import { sourceOf } from '../../scripts/pages/source-words.js';
import { SAME_COLUMNS } from '../../scripts/pages/tables.page.js';

const LIBRARY = 'libs/mailing/src';

/** What the public pages of the ancestor name, by the part of its guide. */
const PUBLISHED = `
TemplateEmailSender TemplateEmailPersisterImpl TemplateEmailBatchPersister TemplateEmailBatchServerPersister TemplateEmailPeriodicService
BatchEmailPeriodicService TemplateEmailRestarter HtmlContentProcessor EmailManager DPSMessageSource atg.dps.InboundEmail atg.dps.OutboundEmail
IndividualEmailSender CollectiveEmailSender SMTPEmail SMTPBatchEmail SMTPEmailQueue SMTPEmailSender BatchEmailListener EmailListenerQueue
POP3Service StoreService EmailExaminer TemplateEmailListener MessageContentProcessor UrlAndMimeType SimpleContentProcessor TemplateEmailEvent
TemplateEmailInfo TemplateEmailInfoImpl TemplateInvoker TemplateEmailException InvalidRecipientAddressException ClientLockManager
ProfileAdapterRepository PropertyManager
sendEmailMessage sendEmailToUser runInSeparateThread persist createMessage sendEmailSentEvent getEmailAddress getProfileId getProfileLocale
getTemplateURL invokeParameterProcessors getUniqServerId
emailMessageSender templateRendererServlet requestSetupServlet templateEmailPersister templateEmailListeners enabledAsTemplateMailServer
batchIfPossible createMessagesBatchSize updateProfileStatusesEveryNMessages updateBatchCountsEveryNMessages daysContactFatigue
hoursContactFatigue addingMailingIdHeader ATG_MAILING_ID_HEADER_NAME addingDebuggingHeaders X-ATG-Sending-Thread X-ATG-Unique-Server-Id
templateInvoker TemplateSession INCOMPLETE_STATUSES PARAM_MESSAGE_FROM PARAM_MESSAGE_TO PARAM_MESSAGE_CC PARAM_MESSAGE_BCC
PARAM_MESSAGE_REPLY_TO PARAM_MESSAGE_SUBJECT PARAM_MAILING_NAME PARAM_MESSAGE_ATTACHMENTS PARAM_FILL_FROM_TEMPLATE TEMPLATE_PARAMS
copy copyPropertiesTo getTemplateParameters getMailingId
templateURL altTemplateURL mailingName mailingId batchExecId messageFrom messageReplyTo messageSubject messageCc messageBcc messageTo
contentProcessor fillFromTemplate templateParameters messageAttachments batched batchSize ignoreContactFatigue siteId trackingData
PROFILE_ID_TRACKING_DATA_KEY profileId messageResourceLocale dataSource
setMessageContent pruneAlternatives contentType sendAsHtml sendAsText indentWidth lineWidth hrChar liChar
TYPE_EMAIL_SENT TYPE_EMAIL_NOT_SENT ALL_TYPES getEmailInfo getErrorMessage emailNotification OutboundEmailMessage InboundEmailMessage
fireInboundEmailEvents serializeOutboundEmailContent
emailHandlerHostName emailHandlerPort username password defaultFrom defaultRecipients defaultSubject defaultBody charSet
waitForConnectionMillis sendEmailEvent EmailEvent maxBatchSize sendSchedule
uniqServerId migrationList emailsPerBatch numBatchThreads initialServices liveconfig mailing mailBatch mailServer
enabled host port protocol folder schedule emailExaminers fireBouncedMailEvents fireInboundMailEvents removeEMail removeBouncedEMail
removeMalformedEmail removeUnsupportedEncodingEMail
email emailStatus receiveEmail lastEmailed locale mailings email_status receive_email last_emailed dps_user
SendEmail EmailNotify template scenarioPathInfo ignoringContactFatigue site recipientIds recipientAddress recipientAddresses persistent
slotInstances
dps_mailing dps_mail_trackdata dps_mail_batch dps_mail_server dps_user_mailing dps_email_address dpi_
id name subject uniq_server_id from_address replyto template_URL alt_template_URL batch_exec_id cc bcc send_as_html send_as_text params
start_time end_time status num_profiles num_sent num_errors num_skipped num_bounces num_soft_bounces fill_from_templ is_batched
ignore_fatigue batch_size map_key map_value mailing_id start_idx is_summarized last_updated user_id idx email_address
altTemplate from numToSend recipients emailAddresses summarized
Failed Canceled Pending Completed Show Remove Cancel Resume`
  .trim()
  .split(/\s+/);

const exported = new Set(
  sourceOf(join(LIBRARY, 'index.ts')).statements.flatMap((node) =>
    ts.isExportDeclaration(node) && node.exportClause && ts.isNamedExports(node.exportClause)
      ? node.exportClause.elements.map(({ name }) => name.text)
      : [],
  ),
);

/** `Class.method` and `Interface.field`, of classes and interfaces of the library. */
function membersOfLibrary(): Set<string> {
  const found = new Set<string>();
  for (const file of readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    for (const node of sourceOf(join(LIBRARY, file)).statements) {
      if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) continue;
      const parents = node.heritageClauses?.flatMap(({ types }) =>
        types.map((one) => one.expression.getText()),
      );
      for (const { name } of node.members) if (name) found.add(`${node.name?.text}.${name.getText()}`);
      for (const parent of parents ?? []) if (parent === 'TypedEvents') found.add(`${node.name?.text}.on`);
    }
  }
  return found;
}

const columnsOf = (): Set<string> => {
  const { tables, columns } = getMetadataArgsStorage();
  return new Set(
    tables
      .filter(({ target }) => mailingEntities.includes(target as never))
      .flatMap(({ name, target }) =>
        columns
          .filter((one) => one.target === target || isBase(one.target, target))
          .map(({ options }) => `${String(name)}.${options.name}`),
      ),
  );
};

function isBase(base: unknown, target: unknown): boolean {
  return typeof base === 'function' && typeof target === 'function' && target.prototype instanceof base;
}

describe('docs/ancestor-names.md', () => {
  const members = membersOfLibrary();
  const columns = columnsOf();
  const options = new Set(describedOptions().map(({ path }) => path));
  const sources = readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(LIBRARY, file), 'utf8'))
    .join('\n');
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, unknown>;
  };

  const exists: Record<string, (name: string) => boolean> = {
    class: (name) => exported.has(name),
    member: (name) => members.has(name) && exported.has(name.split('.')[0]),
    option: (name) => options.has(name),
    info: (name) => members.has(`TemplateEmailInfo.${name}`),
    call: (name) => members.has(`SendOptions.${name}`),
    event: (name) => members.has(`MailingEventMap.'${name}'`),
    header: (name) => sources.includes(`'${name}'`),
    column: (name) => columns.has(name),
    table: (name) => [...columns].some((column) => column.startsWith(`${name}.`)),
    status: (name) => name in MAILING_TRANSITIONS,
    part: (name) => name.replace('nestjs-mailing', '.') in exports,
  };
  const entries = [
    ...ANCESTOR_NAMES.flatMap(([, names]) => names),
    ...Object.values(ANCESTOR_COLUMNS).flat(),
  ];

  it.each(entries.map((entry) => [entry[0], entry] as const))('names what is there for %s', (_, entry) => {
    expect(referencesOf(entry).filter(({ kind, name }) => !exists[kind](name))).toEqual([]);
    // Where nothing stands for it, the page says why.
    expect(entry[1] !== '' || entry[2]).toBeTruthy();
  });

  it('names columns that are there', () => {
    const same = Object.entries(SAME_COLUMNS).flatMap(([table, names]) =>
      names.map((name) => `${table}.${name}`),
    );
    expect(same.filter((column) => !columns.has(column))).toEqual([]);
  });

  it('has each name that the ancestor has published', () => {
    const page = ancestorPage();
    const named = new Set([...page.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    const words = new Set(page.split(/[^\w]+/));
    expect(PUBLISHED.filter((name) => !named.has(name) && !words.has(name))).toEqual([]);
  });
});
