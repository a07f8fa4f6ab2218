/** The start of a further line of a reply. */
const NEXT_LINE = /\r?\n\d{3}[ -](?:#?[245]\.\d{1,3}\.\d{1,3}\s)?/g;

/** Characters of a text that are searched for words; a reply may be a megabyte. */
const SEARCHED_CHARACTERS = 2_000;

const KIND = '(?:concurrent|simultaneous|parallel|open|connected|new|smtp|tls|outgoing|failed) ';
const ITEM =
  '(?:connections?|sessions?|clients?|messages?|e-?mails?|mails?|requests?|log-?ins?|auth\\w*|recipients from)';

/** Words of a rate, as Amazon SES, Exchange, Gmail, Postfix and others say it. "Try again later" alone is about no rate. */
const RATE = new RegExp(
  [
    'throttl',
    '\\bslow(?:ing)? down\\b',
    `\\btoo (?:many|much) (?:${KIND}){0,2}${ITEM}\\b`,
    '\\brate[- ]?limit',
    '\\brates?\\b[^.]{0,40}\\bexceed',
    '\\bexceed\\w*\\b[^.]{0,40}\\brates?\\b',
    '\\bexceeded your (?:\\w+ ){0,2}(?:limit|quota)',
    '\\b(?:sending|submission|hourly|daily|connections?) (?:\\w+ ){0,2}(?:limit|quota)',
    '\\bconcurrent (?:\\w+ )?connections\\b[^.]{0,30}\\b(?:limit|exceed)',
    '\\b(?:messages|e-?mails?|mails|recipients|connections) (?:per|an|each) (?:second|minute|hour|day)\\b',
  ].join('|'),
  'i',
);

/** Words that make it a limit of the sender; "message" and "mail" alone would also match a limit of size. */
const PERIOD =
  '(?:sending|sender|submission|relay(?:ing)?|outgoing|outbound|hourly|daily|monthly|24[- ]hours?)';

/**
 * Words of a quota of the sender that is used up, or of an account that may not send, as Gmail, Exchange Online, Amazon SES, Yahoo,
 * cPanel, SendGrid, Mailgun and relays of hosters say it.
 */
const QUOTA = new RegExp(
  [
    `\\b${PERIOD} (?:\\w+[ -]){0,2}(?:limits?|quotas?|credits)\\b`,
    '\\b(?:limits?|quotas?) (?:of|for|on) (?:\\w+ ){0,2}(?:messages|e-?mails|recipients|sending)\\b',
    '\\bexceeded (?:your|our) (?:[\\w-]+ ){0,3}(?:limits?|quotas?|threshold)',
    '\\bmax(?:imum)? (?:\\w+ ){0,2}(?:messages|e-?mails?|recipients) (?:per|an|each) (?:hour|day|month)\\b',
    '\\bsending (?:is |has been )?(?:paused|suspended|disabled)\\b',
    '\\b(?:paused|suspended|disabled|blocked) (?:from|for) sending\\b',
    '\\bcredits (?:are )?(?:exceeded|used up)\\b|\\b(?:ran|run) out of credits\\b',
    '\\btenant exceeded threshold\\b|SubmissionQuotaExceeded',
  ].join('|'),
  'i',
);

/** Words of a limit of size: what a message or a mailbox may hold. */
const ROOM = /\bsize\b|\bstorage\b|\bspace\b/i;

/** Words of greylisting; the last is Rspamd's. */
const GREYLISTING = /\bgr[ae]y-?list|^\d{3}[ -]4\.7\.1 try again later\.?$/i;

/** Words of a recipient's address or mailbox that can't be reached. */
const RECIPIENT =
  /\bno such (?:user|mailbox|recipient|account|person|address)|\b(?:user|mailbox|recipient|account|addressee)\b(?: \S+){0,2} (?:unknown|not found|unavailable|does(?: not|n't) exist|(?:is )?(?:disabled|inactive|full|over quota))|\bunknown (?:user|mailbox|recipient|address)|\bmailbox (?:full|quota|size)/i;

/** Words of a limit of one recipient's mailbox: sending more slowly to all the others would not help. */
const ONE_MAILBOX = /\bmailbox\b|\breceiving\b/i;

/** Words of a server that shuts down or has timed out on us; they say nothing about what we send. */
const OUTAGE =
  /\bshut(?:ting)? ?down\b|\bgoing down\b|\bnot (?:available|active)\b|\bunavailable\b|\bmaintenance\b|\brestart|\btimed?[ -]?out\b|\bidle\b/i;

/** The words of a negative reply, and what they are about. */
export class ReplyWords {
  private readonly words: string;

  /** @param text the whole reply, codes included. */
  constructor(text: string) {
    this.words = text.slice(0, SEARCHED_CHARACTERS).replace(NEXT_LINE, ' ');
  }

  /**
   * Whether they are about the sending rate. In doubt they are not: if a recipient's refusal were mistaken for a rate, it would slow down the
   * whole mailing and never count as an attempt.
   */
  get speakOfRate(): boolean {
    return RATE.test(this.words) && !ONE_MAILBOX.test(this.words);
  }

  /** Whether they are about a quota of the sender, which no recipient causes. */
  get speakOfQuota(): boolean {
    return QUOTA.test(this.words) && !ONE_MAILBOX.test(this.words) && !ROOM.test(this.words);
  }

  get speakOfGreylisting(): boolean {
    return GREYLISTING.test(this.words);
  }

  /** Whether they are about one recipient's address or mailbox. */
  get speakOfRecipient(): boolean {
    return RECIPIENT.test(this.words);
  }

  get speakOfOutage(): boolean {
    return OUTAGE.test(this.words);
  }
}
