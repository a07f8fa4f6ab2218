// Every name of the ancestor's targeted e-mail that its public pages have, and what stands for it here.

/**
 * Names of the ancestor, what stands for them, and a remark.
 *
 * What stands for them is a list of references, each `kind:name`; empty: nothing does, and the remark says why. The kinds: `class` (exported),
 * `member` (of an exported class or interface), `option`, `info` (field of the info), `call` (option of a call), `event`, `header`, `column`,
 * `table`, `status` (of a mailing), `part` (sub-path of the package). A test checks that each of them exists.
 */
export type AncestorName = readonly [theirs: string, ours: string, remark?: string];

/** Headings of docs/ancestor-names.md, each with its names. */
export const ANCESTOR_NAMES: readonly (readonly [heading: string, names: readonly AncestorName[]])[] = [
  [
    'Components and classes',
    [
      ['TemplateEmailSender', 'class:TemplateEmailSender'],
      ['TemplateEmailPersister, TemplateEmailPersisterImpl', 'class:TemplateEmailPersister'],
      ['TemplateEmailBatchPersister', 'class:TemplateEmailBatchPersister'],
      ['TemplateEmailBatchServerPersister', 'class:TemplateEmailBatchServerPersister'],
      ['TemplateEmailRestarter', 'class:TemplateEmailRestarter', 'It starts by itself.'],
      ['BatchEmailPeriodicService, TemplateEmailPeriodicService', 'class:TemplateEmailPeriodicService'],
      ['TemplateEmailInfo, TemplateEmailInfoImpl', 'class:TemplateEmailInfo', 'A plain object.'],
      ['TemplateEmailListener, TemplateEmailEvent', 'class:MailingEvents event:recipient:settled'],
      ['TemplateEmailException', 'class:MailingError', 'A class for each refusal.'],
      ['InvalidRecipientAddressException', '', 'The recipient is skipped as `invalid_address`.'],
      ['TemplateInvoker, TemplateSession', 'class:TemplateRenderer class:MailingTemplate'],
      ['MessageContentProcessor, SimpleContentProcessor, UrlAndMimeType', 'class:TemplateRenderer'],
      ['HtmlContentProcessor', 'class:TextOptions'],
      ['EmailManager', 'class:MailingSuppressions', 'You call it on a bounce.'],
      ['DPSMessageSource', 'class:MailingEvents', 'In the process, and not on a queue.'],
      ['IndividualEmailSender, CollectiveEmailSender', 'class:TemplateEmailSender', 'One for both.'],
      ['SMTPEmail, SMTPEmailSender, EmailMessageSender', 'class:EmailMessageSender option:bulkSmtp'],
      [
        'SMTPBatchEmail, SMTPEmailQueue, BatchEmailListener, EmailListenerQueue',
        '',
        'The mailing is the queue.',
      ],
      ['POP3Service, StoreService, EmailExaminer', '', 'Bounces are not read.'],
      ['ClientLockManager', '', 'Guarded updates of the database stand for locks.'],
      [
        'ProfileAdapterRepository, PropertyManager',
        'option:profileRepository class:TypeOrmProfileRepository',
      ],
    ],
  ],
  [
    'TemplateEmailSender: methods',
    [
      ['sendEmailMessage', 'member:TemplateEmailSender.sendEmailMessage', 'The same four arguments.'],
      ['runInSeparateThread', 'call:runInSeparateThread', 'No thread is made.'],
      ['persist', 'call:persist'],
      ['sendEmailToUser', 'member:TemplateEmailSender.sendEmailToUser'],
      ['createMessage', 'class:EmailMessage', 'Made by the plugin; a renderer of yours makes its content.'],
      ['sendEmailSentEvent', 'event:recipient:settled'],
      ['getEmailAddress, getProfileId, getProfileLocale', 'member:ProfileRepository.findByIds'],
      ['getTemplateURL', 'info:templateUrl', 'With one file for each language.'],
      ['invokeParameterProcessors', 'option:parameterProcessor member:ParameterProcessor.process'],
      ['getUniqServerId', 'option:uniqServerId'],
    ],
  ],
  [
    'TemplateEmailSender: properties',
    [
      ['emailMessageSender', 'class:EMAIL_MESSAGE_SENDER option:messageSender option:transporterName'],
      ['templateRendererServlet, requestSetupServlet, templateInvoker', 'option:renderer'],
      ['templateEmailPersister', 'option:templateEmailPersister'],
      ['templateEmailListeners', 'class:MailingEvents'],
      ['enabledAsTemplateMailServer', 'option:enabledAsTemplateMailServer'],
      ['batchIfPossible', 'option:batch.batchIfPossible'],
      ['createMessagesBatchSize', 'option:run.concurrency', 'Each message has an answer of its own.'],
      ['updateProfileStatusesEveryNMessages', '', 'Profiles are written in groups.'],
      ['updateBatchCountsEveryNMessages', '', 'Counts are in the commit of the outcomes that they count.'],
      ['daysContactFatigue', 'option:profiles.daysContactFatigue'],
      ['hoursContactFatigue', 'option:profiles.hoursContactFatigue'],
      ['addingMailingIdHeader, ATG_MAILING_ID_HEADER_NAME', 'header:X-Mailing-Id', 'Always there.'],
      ['addingDebuggingHeaders', 'option:debugHeaders'],
      ['X-ATG-Sending-Thread', 'header:X-Mailing-Run', 'Process and batch.'],
      ['X-ATG-Unique-Server-Id', 'header:X-Mailing-Server'],
      ['INCOMPLETE_STATUSES', 'class:MailingStatus'],
    ],
  ],
  [
    'TemplateEmailInfo',
    [
      ['templateURL', 'info:templateUrl'],
      ['altTemplateURL', 'info:altTemplateUrl'],
      ['mailingName', 'info:name'],
      ['mailingId, getMailingId', 'member:MailingHandle.mailingId'],
      ['batchExecId', 'info:batchExecId'],
      ['messageFrom', 'info:from'],
      ['messageReplyTo', 'info:replyTo'],
      ['messageSubject', 'info:subject'],
      ['messageCc', 'info:cc'],
      ['messageBcc', 'info:bcc'],
      ['messageTo', 'info:messageTo'],
      ['contentProcessor', 'info:text option:templates.textConverter'],
      ['fillFromTemplate', 'info:fillFromTemplate'],
      ['templateParameters, getTemplateParameters', 'info:params', 'JSON, and not a serialized object.'],
      ['messageAttachments', 'info:attachments', 'Kept with the mailing.'],
      ['batched', 'info:batched'],
      ['batchSize', 'info:batchSize'],
      ['ignoreContactFatigue', 'info:ignoreContactFatigue'],
      ['siteId', 'info:siteId'],
      ['trackingData', 'info:trackingData'],
      ['PROFILE_ID_TRACKING_DATA_KEY', '', 'Templates see `userId`.'],
      ['profileId', 'member:ProfileRecipient.userId'],
      ['messageResourceLocale', 'info:locale member:RecipientProfile.locale'],
      ['dataSource', '', 'What it was for is not published.'],
      ['copy, copyPropertiesTo', '', 'The sender works on a copy.'],
    ],
  ],
  [
    'What a page sets',
    [
      [
        'PARAM_MESSAGE_FROM, PARAM_MESSAGE_CC, PARAM_MESSAGE_BCC, PARAM_MESSAGE_REPLY_TO, PARAM_MESSAGE_SUBJECT',
        'info:from info:cc info:bcc info:replyTo info:subject',
        'In the front matter of the template.',
      ],
      ['PARAM_MESSAGE_TO', 'info:messageTo', 'A template does not set it.'],
      ['PARAM_MAILING_NAME', 'info:name', 'In the front matter.'],
      ['PARAM_MESSAGE_ATTACHMENTS', 'info:attachments', 'A template does not set them.'],
      ['PARAM_FILL_FROM_TEMPLATE', 'info:fillFromTemplate'],
      ['TEMPLATE_PARAMS', 'info:params'],
    ],
  ],
  [
    'Content processors',
    [
      ['sendAsHtml', 'info:sendAsHtml'],
      ['sendAsText', 'info:sendAsText'],
      ['lineWidth', 'option:templates.text.lineWidth info:text', '78, and not 70.'],
      ['indentWidth', 'option:templates.text.indentWidth info:text', '1, and not 5.'],
      ['hrChar', 'option:templates.text.hrChar info:text'],
      ['liChar', 'option:templates.text.liChar info:text', '`*`, and not `-`.'],
      ['the list of tags whose content is dropped', 'option:templates.text.dropTags info:text'],
      ['the HTML-to-text converter', 'option:templates.textConverter'],
      ['contentType', '', 'Html, text or both.'],
      ['setMessageContent', 'member:MailingTemplate.render'],
      ['pruneAlternatives', 'member:ParameterProcessor.process', 'For whole messages.'],
    ],
  ],
  [
    'Events',
    [
      ['TYPE_EMAIL_SENT, TYPE_EMAIL_NOT_SENT, ALL_TYPES', 'event:recipient:settled', 'Its `status` tells.'],
      ['getEmailInfo, getErrorMessage', 'member:RecipientRecord.errorText'],
      ['emailNotification', 'member:MailingEvents.on'],
      ['atg.dps.OutboundEmail, OutboundEmailMessage', 'event:recipient:settled', 'Without the letter.'],
      ['atg.dps.InboundEmail, InboundEmailMessage, fireInboundEmailEvents', '', 'Incoming mail is not read.'],
      ['serializeOutboundEmailContent', '', 'No event has the letter.'],
    ],
  ],
  [
    'Transport',
    [
      ['emailHandlerHostName, emailHandlerPort, username, password', '', '`transport` of `MailerModule`.'],
      [
        'defaultFrom, defaultRecipients, defaultSubject, defaultBody, charSet',
        '',
        '`defaults` of `MailerModule`.',
      ],
      ['waitForConnectionMillis', '', '`connectionTimeout` of the transport.'],
      ['sendEmailEvent, EmailEvent', 'member:EmailMessageSender.send'],
      ['maxBatchSize, sendSchedule', '', 'There is no batch transport. Of scenarios: below.'],
    ],
  ],
  [
    'Servers, batches, restart',
    [
      ['uniqServerId', 'option:uniqServerId', '`host:port` by convention.'],
      ['migrationList', 'option:migrationList'],
      ['emailsPerBatch', 'option:batch.emailsPerBatch'],
      ['numBatchThreads', 'option:batch.numBatchThreads', 'No thread is made.'],
      ['schedule of the periodic service', 'option:server.heartbeatIntervalMs'],
      ['time-out of a server', 'option:server.leaseMs'],
      ['initialServices, liveconfig', '', 'All starts with the module.'],
      ['mailing, mailBatch, mailServer', 'class:Mailing class:MailBatch class:MailServer', 'No cache.'],
    ],
  ],
  [
    'The administration page',
    [
      ['Pending', 'status:pending'],
      ['In Progress', 'status:in_progress'],
      ['Canceled', 'status:canceled status:paused', 'What can be resumed is paused.'],
      ['Completed', 'status:completed'],
      ['Failed', 'status:failed'],
      ['Show', 'member:MailingQuery.list member:MailingQuery.countsByStatus'],
      ['Cancel', 'member:TemplateEmailSender.pause member:TemplateEmailSender.cancel'],
      ['Resume', 'member:TemplateEmailSender.resume', 'Every mailing, and at once.'],
      ['Remove', '', 'The plugin deletes nothing.'],
    ],
  ],
  [
    'Profiles',
    [
      ['email', 'member:RecipientProfile.email'],
      ['emailStatus, email_status', 'member:RecipientProfile.emailStatus'],
      ['receiveEmail, receive_email', 'member:RecipientProfile.receiveEmail', 'True or false.'],
      ['lastEmailed, last_emailed', 'member:RecipientProfile.lastEmailed'],
      ['locale', 'member:RecipientProfile.locale'],
      ['mailings', 'table:dps_user_mailing', 'There is no call for it.'],
      ['dps_user', '', 'Your own table, by a `ProfileRepository`.'],
    ],
  ],
  [
    'Bounces',
    [
      [
        'enabled, host, port, protocol, folder, schedule, emailExaminers, fireBouncedMailEvents, fireInboundMailEvents, removeEMail, ' +
          'removeBouncedEMail, removeMalformedEmail, removeUnsupportedEncodingEMail',
        '',
        'No mailbox is read.',
      ],
    ],
  ],
  [
    'Scenarios',
    [
      ['SendEmail', 'part:nestjs-mailing/scenarios', 'A method with `@SendEmail`.'],
      ['EmailNotify', 'member:TemplateEmailSender.sendEmailToUser'],
      [
        'maxBatchSize of the Scenario Manager',
        'part:nestjs-mailing/scenarios',
        '`maxBatchSize` of `@SendEmail`.',
      ],
      ['template, scenarioPathInfo', 'info:templateUrl'],
      ['ignoringContactFatigue', 'info:ignoreContactFatigue'],
      ['site', 'info:siteId'],
      ['recipientIds, recipientAddress, recipientAddresses', 'class:Recipients'],
      ['persistent of a slot', 'member:SlotOptions.persistent'],
      ['slotInstances', 'info:slots', 'Kept with the mailing.'],
    ],
  ],
];

/** By table: columns and item properties that are called otherwise here; those of the same name are not in it. */
export const ANCESTOR_COLUMNS: Readonly<Record<string, readonly AncestorName[]>> = {
  dps_mailing: [
    ['replyto', 'column:dps_mailing.reply_to'],
    ['template_URL, item property template', 'column:dps_mailing.template_url'],
    ['alt_template_URL, item property altTemplate', 'column:dps_mailing.alt_template_url'],
    ['status', 'column:dps_mailing.status', 'A word, and not a number.'],
    [
      'send_as_html, send_as_text',
      'column:dps_mailing.send_as_html column:dps_mailing.send_as_text',
      'True or false.',
    ],
    ['params', 'column:dps_mailing.params', 'JSON.'],
    ['item property from', 'column:dps_mailing.from_address'],
    ['item property numToSend', 'column:dps_mailing.num_profiles'],
    ['item properties recipients, emailAddresses', 'table:dps_user_mailing table:dps_email_address'],
  ],
  dps_mail_batch: [
    ['status', 'column:dps_mail_batch.status', 'A word, and not a number.'],
    ['item property summarized', 'column:dps_mail_batch.is_summarized'],
  ],
  dps_mail_trackdata: [],
  dps_mail_server: [],
  dps_user_mailing: [],
  dps_email_address: [],
};
