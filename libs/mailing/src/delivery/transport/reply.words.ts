/** The start of a further line of a reply. */
const NEXT_LINE = /\r?\n\d{3}[ -](?:#?[245]\.\d{1,3}\.\d{1,3}\s)?/g;

/** As much of a text as is searched for words; a reply may be a megabyte. */
const SEARCHED_CHARACTERS = 2_000;

const KIND = '(?:concurrent|simultaneous|parallel|open|connected|new|smtp|tls|outgoing|failed) ';
const ITEM =
  '(?:connections?|sessions?|clients?|messages?|e-?mails?|mails?|requests?|log-?ins?|auth\\w*|recipients from)';

/** As Amazon SES, Exchange, Gmail, Postfix and others word it. "Try again later" alone speaks of no rate. */
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

/** Which limit of ours it is; "message" and "mail" alone would be those of its size. */
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

/** Words of a limit of another kind: what a message or a mailbox may hold. */
const ROOM = /\bsize\b|\bstorage\b|\bspace\b/i;

/** Words of greylisting; the last is what Rspamd says of it. */
const GREYLISTING = /\bgr[ae]y-?list|^\d{3}[ -]4\.7\.1 try again later\.?$/i;

/** Words of an address or a mailbox of the recipient that can't be reached. */
const RECIPIENT =
  /\bno such (?:user|mailbox|recipient|account|person|address)|\b(?:user|mailbox|recipient|account|addressee)\b(?: \S+){0,2} (?:unknown|not found|unavailable|does(?: not|n't) exist|(?:is )?(?:disabled|inactive|full|over quota))|\bunknown (?:user|mailbox|recipient|address)|\bmailbox (?:full|quota|size)/i;

/** Words of a limit that is one recipient's: slower sending to all the others would not help him. */
const ONE_MAILBOX = /\bmailbox\b|\breceiving\b/i;

/** Words of a server that is going away, or has waited too long for us, whatever we send. */
const OUTAGE =
  /\bshut(?:ting)? ?down\b|\bgoing down\b|\bnot (?:available|active)\b|\bunavailable\b|\bmaintenance\b|\brestart|\btimed?[ -]?out\b|\bidle\b/i;

/** The words of a negative answer, and what they speak of. */
export class ReplyWords {
  private readonly words: string;

  /** @param text the whole reply, codes included. */
  constructor(text: string) {
    this.words = text.slice(0, SEARCHED_CHARACTERS).replace(NEXT_LINE, ' ');
  }

  /**
   * Of how much is sent at a time. Taken for a rate by mistake, the refusal of one recipient would slow the whole mailing
   * down and never be charged; so in doubt it is none.
   */
  get speakOfRate(): boolean {
    return RATE.test(this.words) && !ONE_MAILBOX.test(this.words);
  }

  /** Of a quota of the sender, which no recipient is to blame for. */
  get speakOfQuota(): boolean {
    return QUOTA.test(this.words) && !ONE_MAILBOX.test(this.words) && !ROOM.test(this.words);
  }

  get speakOfGreylisting(): boolean {
    return GREYLISTING.test(this.words);
  }

  /** Of one recipient's address or mailbox. */
  get speakOfRecipient(): boolean {
    return RECIPIENT.test(this.words);
  }

  get speakOfOutage(): boolean {
    return OUTAGE.test(this.words);
  }
}
