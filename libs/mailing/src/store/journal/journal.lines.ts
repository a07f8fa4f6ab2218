import { type Deferral, MAX_ERROR_TEXT, type Outcome } from '../../model/states/outcome.js';
import { cutText } from '../../model/values/bounded-text.js';

/** Beginning of a journal, with the version of its format. */
const MAGIC = 'nestjs-mailing journal 1 ';

/** The process that a journal belongs to, and the facts that can prove its death. */
export interface JournalOwner {
  uniqServerId: string;
  incarnation: string;
  hostname: string;
  pid: number;
  /** See `readPidNamespace`; it includes the boot of the kernel. */
  pidNamespace: string;
}

/** What became of a message that was begun: an outcome, a refusal for now, or the proof that no mail server has it. */
export type Answer =
  { kind: 'settled'; outcome: Outcome } | { kind: 'deferred'; deferral: Deferral } | { kind: 'returned' };

/** One line about a recipient. */
export type Entry =
  | { kind: 'begun' }
  /** `commitSeq`: the commit that contains the answer. */
  | { kind: 'answered'; commitSeq: number; answer: Answer };

/** The lines of a claim that a journal leaves out, because they were committed when the file was replaced. */
export interface JournalGap {
  /** Lines of this commit and of those before it are missing. */
  toCommit: number;
  /** The highest idx in these lines. */
  toIdx: number;
}

/** Content of a journal: by claim token, the last entry of each recipient. */
export interface JournalContent {
  owner: JournalOwner;
  claims: Map<string, Map<number, Entry>>;
  /** Only of claims that have a gap. */
  gaps: Map<string, JournalGap>;
}

export function headerLine(owner: JournalOwner): string {
  return `${MAGIC}${JSON.stringify(owner)}\n`;
}

/** Assigns a claim the number that the lines of its recipients use for it. */
export function claimLine(claim: number, claimToken: string, gap: JournalGap | null = null): string {
  return `claim ${claim} ${JSON.stringify(claimToken)}${gap ? ` ${gap.toCommit} ${gap.toIdx}` : ''}\n`;
}

export function begunLine(claim: number, idx: number): string {
  return `${claim} ${idx}\n`;
}

export function settledLine(claim: number, commitSeq: number, { idx, status, code, text }: Outcome): string {
  return status === 'sent'
    ? `${claim} ${idx} ${commitSeq} sent\n`
    : `${claim} ${idx} ${commitSeq} settled ${JSON.stringify({ status, code, text: text && cut(text) })}\n`;
}

export function deferredLine(
  claim: number,
  commitSeq: number,
  { idx, code, text, delayMs }: Deferral,
): string {
  return `${claim} ${idx} ${commitSeq} deferred ${JSON.stringify({ code, text: cut(text), delayMs })}\n`;
}

/** The database stores no more of the text. */
function cut(text: string): string {
  return cutText(text, MAX_ERROR_TEXT);
}

export function returnedLine(claim: number, commitSeq: number, idx: number): string {
  return `${claim} ${idx} ${commitSeq} returned\n`;
}

// JSON leaves U+2028 and U+2029 unescaped, and a dot without the `s` flag does not match them.
const CLAIM = /^claim (\d+) (".*")(?: (\d+) (\d+))?$/s;
const RECIPIENT = /^(\d+) (\d+)(?: (\d+) (sent|returned|settled|deferred)(?: (\{.*\}))?)?$/s;

/**
 * Reads a journal.
 *
 * A last line without its end was being written when the process died. What it announces had not happened yet, or was not known yet, so the line is
 * ignored.
 *
 * @returns null if the text is no journal, or is damaged: then no line of it is believed.
 */
export function readLines(text: string): JournalContent | null {
  const lines = text.split('\n');
  lines.pop();
  const owner = ownerOf(lines[0] ?? '');
  if (!owner) return null;
  const claims = new Map<string, Map<number, Entry>>();
  const gaps = new Map<string, JournalGap>();
  const byNumber = new Map<string, Map<number, Entry>>();
  try {
    for (let at = 1; at < lines.length; at++) {
      const claim = CLAIM.exec(lines[at]);
      if (claim) {
        const entries = new Map<number, Entry>();
        const token = JSON.parse(claim[2]) as string;
        claims.set(token, entries);
        if (claim[3]) gaps.set(token, { toCommit: Number(claim[3]), toIdx: Number(claim[4]) });
        byNumber.set(claim[1], entries);
        continue;
      }
      const line = RECIPIENT.exec(lines[at]);
      const entries = line && byNumber.get(line[1]);
      if (!line || !entries) return null;
      entries.set(Number(line[2]), entryOf(line));
    }
  } catch {
    return null;
  }
  return { owner, claims, gaps };
}

/** The owner of the journal that begins with this line; null: it is no journal. */
export function ownerOf(line: string): JournalOwner | null {
  if (!line.startsWith(MAGIC)) return null;
  try {
    return JSON.parse(line.slice(MAGIC.length)) as JournalOwner;
  } catch {
    return null;
  }
}

/** @throws SyntaxError if the facts are not JSON. */
function entryOf([, , idx, commitSeq, word, facts]: RegExpExecArray): Entry {
  if (word === undefined) return { kind: 'begun' };
  return { kind: 'answered', commitSeq: Number(commitSeq), answer: answerOf(Number(idx), word, facts) };
}

function answerOf(idx: number, word: string, facts = '{}'): Answer {
  switch (word) {
    case 'sent':
      return { kind: 'settled', outcome: { idx, status: 'sent', code: null, text: null } };
    case 'returned':
      return { kind: 'returned' };
    case 'deferred':
      return { kind: 'deferred', deferral: { idx, ...(JSON.parse(facts) as Omit<Deferral, 'idx'>) } };
    default:
      return { kind: 'settled', outcome: { idx, ...(JSON.parse(facts) as Omit<Outcome, 'idx'>) } };
  }
}
