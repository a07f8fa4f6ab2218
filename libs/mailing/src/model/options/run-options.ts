/** How one mailing is sent. */
export interface RunOptions {
  /**
   * Messages of one mailing in flight at a time. Default: 5, as many connections as a nodemailer pool opens by
   * default. Bounds: 1 to 1,000. Too low: a far mail server idles. Too high: messages queue inside the pool and
   * `messageTimeoutMs` runs while they do; some providers answer 421.
   */
  concurrency?: number;
  /**
   * Recipients of one mailing or batch in state `sending` at a time, and so the most that a crash can leave in doubt. Default: 2 ×
   * concurrency, so that a message is always ready while a commit is being written. Bounds: concurrency to 100,000. Too high: more doubt
   * after a crash.
   */
  maxInDoubt?: number;
  /**
   * Longest time from handing a message to the transport to its answer, in milliseconds. Default: 60,000. Bounds: 10 to 3,600,000. Too low:
   * slow mail servers leave recipients in doubt. Too high: a stalled mail server blocks a slot of `concurrency` that long.
   */
  messageTimeoutMs?: number;
  /**
   * Mailings that this process sends at a time; the others wait their turn. Default: 4. Bounds: 1 to 1,000. A mailing that only waits for
   * next attempts does not count; it sends the recipients that are due beside the other mailings. Too low: a short mailing waits behind long
   * ones. Too high: the mailings share one transport and one database, and each of them takes longer.
   */
  maxConcurrentMailings?: number;
  /**
   * Messages that this process begins in any one second, over all its mailings; null: no limit. Default: null. Bounds: 1 to 10,000. A slot
   * is free again one second after its message was answered. So the mail server never counts more, however unevenly the messages arrive;
   * with slow answers the rate is lower. Each server has its own limit.
   */
  ratePerSecond?: number | null;
  /**
   * How long the mail server may be out of reach before the mailing is `paused` with reason `transport`, in milliseconds. Default: 900,000
   * (15 minutes). Bounds: 0 to 86,400,000. Too low: every restart of the mail server pauses mailings, which resume by themselves only when
   * a probe succeeds. Too high: a long outage does not show as a paused mailing.
   */
  transportOutageTimeoutMs?: number;
  /**
   * How long a run retries a commit that the database does not accept, in milliseconds. After that the run stops, keeps its outcomes in
   * memory, and goes on at the first sweep that reaches the database again. Default: 60,000. Bounds: 0 to 3,600,000. While the process
   * lives, nothing is lost. Too low: short outages are reported as stalls. Too high: long outages are reported late, and hold a slot of
   * `maxConcurrentMailings`.
   */
  databaseRetryTimeoutMs?: number;
  /**
   * Longest wait for an answer of a function of the host (profiles, suppression list, renderer, `inDoubt`, `unsubscribe.url`, a
   * dispatcher's start), in milliseconds. After it the function counts as out of reach, and a later answer is ignored. Default: 30,000.
   * Bounds: 10 to 600,000. Too low: a slow query counts as an outage. Too high: a function that never answers delays its mailing that long
   * before the mailing says why.
   */
  hostCallTimeoutMs?: number;
  /**
   * Longest wait for one entry of a list of recipients, or of a source of slot contents, in milliseconds. After it the list has failed: a
   * persisted mailing sends nothing, any other nothing more. Default: 600,000 (10 minutes). Bounds: 10 to 86,400,000. The whole list may
   * take any time. Too low: a list that is read behind a slow query or a rate limit fails. Too high: the caller waits long for a list that
   * yields nothing; `MailingHealth` names such a list after a minute, whatever this value.
   */
  sourceTimeoutMs?: number;
}

/** What happens to a recipient that the mail server refuses for now (4xx). */
export interface RetryOptions {
  /**
   * Attempts for one recipient; the refusal of the last one is recorded as its error. Default: 5. Bounds: 1 to 100. Too low: servers that
   * greylist, and so accept only a later attempt, are never reached. Too high: a mailing takes days to complete.
   */
  maxAttempts?: number;
  /**
   * Longest wait before the second attempt, in milliseconds. The longest wait doubles with each further attempt, up to `maxDelayMs`. The
   * wait itself is random between 0 and that ("full jitter"), so that recipients deferred together do not come back together. Default:
   * 300,000, at most `maxDelayMs`. Bounds: 1 to `maxDelayMs`.
   */
  initialDelayMs?: number;
  /**
   * Upper limit of every wait before another attempt, in milliseconds. Default: 7,200,000 (2 hours). Bounds: 1 to 604,800,000. Too low: all
   * attempts are used up before a mail server accepts again. Too high: a recipient that was refused for now gets its message late, and the
   * mailing completes late.
   */
  maxDelayMs?: number;
}

/** When a mailing pauses by itself because its failures are probably the sender's fault: `paused` with reason `error rate`. */
export interface ErrorGuardOptions {
  /**
   * Failed attempts in a row that pause a mailing; 0 turns the guard off. A success in between delays the pause, see `maxErrorPercent`.
   * Temporary refusals count. Greylisting does not count, nor does a mail server that does not answer: that is an outage. Answers about the
   * recipient's own address or mailbox pause the mailing only at ten times as many, and never before an eighth of the list has failed.
   * Default: 50. Bounds: 0 to 100,000. Too low: a few refusals pause a mailing. Too high: that many recipients are lost first.
   */
  sampleSize?: number;
  /**
   * Percentage P of attempts that may fail over a long time: each success offsets P ÷ (100 − P) failures, 4 by default. Default: 80.
   * Bounds: 1 to 99. Too low: a list of poor quality is paused again and again. Too high: a list of which hardly any recipient can be
   * reached is not paused.
   */
  maxErrorPercent?: number;
}
