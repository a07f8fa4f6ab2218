// One word for each idea: words that this house had for what the field calls otherwise, and the term to use.

/** Whole words of identifiers (`nextBeat` has `beat`), of names of columns, events and fault points. */
export const IDENTIFIER_WORDS = {
  beat: 'commit (of a run); heartbeat (of a server)',
  beats: 'commits',
  books: 'progress',
  buried: 'pruned',
  bury: 'prune',
  caught: 'inFlight',
  door: 'connector',
  duty: 'task',
  duties: 'tasks',
  grievances: 'errors',
  herald: 'publisher',
  hurry: 'dispatch',
  longest: 'max',
  nap: 'sleep',
  nudge: 'wake',
  order: 'command',
  ordered: 'requested',
  orders: 'commands',
  parcel: 'message',
  patience: 'timeout',
  rehearsal: 'preview, dry run',
  standing: 'state',
  trouble: 'error',
  turnstile: 'semaphore',
  unlucky: 'retryable',
  unattended: 'unclaimed',
  winding: 'phase',
};

/** Of these the words above are part of a term of the field. */
export const ALLOWED_IDENTIFIERS = new Set([
  // Sequence.
  'order',
  'orderBy',
  'orderBys',
  'inOrder',
  // Of a text, and of rows.
  'longest',
  'longestWord',
  'longestGap',
  'longestRun',
  'longestMs',
]);

/** Columns, events, options and errors, as they were once called. */
export const NAMES = {
  settled_idx: 'low_water_idx',
  reach_idx: 'high_water_idx',
  pid_space: 'pid_namespace',
  dps_mail_address_taken: 'dps_mail_address_claim',
  'run:lost': 'run:fenced',
  'run:beat-retried': 'run:commit-retried',
  'server:buried': 'server:pruned',
  'server:trouble': 'server:error',
  'server:standing-by': 'server:standby',
  'mailing:ordered': 'mailing:command',
  'mailing:unattended': 'mailing:unclaimed',
  'transport:back': 'transport:recovered',
  'journal:lost': 'journal:disabled',
  'database:went-back': 'database:rewound',
  parallelMailings: 'maxConcurrentMailings',
  transportPatienceMs: 'transportOutageTimeoutMs',
  databasePatienceMs: 'databaseRetryTimeoutMs',
  firstDelayMs: 'initialDelayMs',
  longestDelayMs: 'maxDelayMs',
  pollMs: 'pollIntervalMs',
  heartbeatMs: 'heartbeatIntervalMs',
  serverTimeoutMs: 'leaseMs',
  firstRecipients: 'sampleSize',
  MailingUnknownError: 'MailingNotFoundError',
  UnknownOrderError: 'InvalidArgumentError',
  SourceUsedUpError: 'SourceConsumedError',
  UnstorableValueError: 'NotSerializableError',
  BulkSmtpUnfitError: 'BulkSmtpUnsupportedError',
  TemplateEmailRefusal: 'TemplateEmailRequestError',
  TemplateEmailRehearsal: 'TemplateEmailPreview',
  HeaderLineBreakError: 'HeaderInjectionError',
  ServerStandingByError: 'ServerStandbyError',
  ServerStoppingError: 'ServerShuttingDownError',
};

/** Words for which a comment or a page names the thing instead. A recipient, a profile, a process and a server are "it". */
export const VAGUE_WORDS = [
  'whoever',
  'whom',
  'whomever',
  'somebody',
  'nobody',
  'he',
  'him',
  'himself',
  'his',
];
