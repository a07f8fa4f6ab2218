import { createHash } from 'node:crypto';
import { DroppedRowError } from '../../model/errors/dropped-row.error.js';
import type { Session } from '../database/mailing.database.js';
import { parseJson } from '../database/parse-json.js';
import { placeholders } from '../database/placeholders.js';

/** SHA-256 of each template of a mailing, by what the renderer calls it. */
export type TemplateHashes = Record<string, string>;

export function hashesOf(content: Record<string, string>): TemplateHashes {
  const entries = Object.entries(content).map(([key, source]) => [key, hashOf(source)] as const);
  return Object.fromEntries(entries);
}

/**
 * Writes down the sources that are not there yet, one statement each, because one may be as long as a packet.
 *
 * - Lock order: after the mailing's row, in the order of their hashes, so that two mailings with the same templates wait
 *   for each other and never in a circle.
 * - Those that were not new have to be there: one question more for a mailing whose templates are known; index: primary key.
 * - Rejected: looking first which are there; a source is some ten kilobytes, and a mailing writes each once.
 *
 * @throws DroppedRowError if one is not.
 */
export async function keepTemplates(session: Session, content: Record<string, string>): Promise<void> {
  const sources = new Map(Object.values(content).map((source) => [hashOf(source), source]));
  const known: string[] = [];
  for (const hash of [...sources.keys()].sort()) {
    const { numRows, numWarnings } = await session.insert(
      session.dialect.insertIgnore(`${session.tables.mailTemplate} (hash, content)`, '(?, ?)'),
      [hash, JSON.stringify({ source: sources.get(hash)?.toWellFormed() })],
    );
    if (numWarnings > 1 - numRows) throw new DroppedRowError('dps_mail_template');
    if (numRows === 0) known.push(hash);
  }
  if (known.length === 0) return;
  const rows = await session.rows(
    `SELECT hash FROM ${session.tables.mailTemplate} WHERE hash IN (${placeholders(known)})`,
    known,
  );
  if (rows.length < known.length) throw new DroppedRowError('dps_mail_template');
}

/** @returns nothing at all if one of them is gone: half of its templates would be another mailing. */
export async function readTemplates(
  session: Session,
  hashes: TemplateHashes,
): Promise<Record<string, string>> {
  const wanted = [...new Set(Object.values(hashes))];
  // A renderer of the host may keep nothing.
  if (wanted.length === 0) return {};
  const rows = await session.rows<{ hash: string; content: unknown }>(
    `SELECT hash, content FROM ${session.tables.mailTemplate} WHERE hash IN (${placeholders(wanted)})`,
    wanted,
  );
  if (rows.length < wanted.length) return {};
  const sources = new Map(
    rows.map(({ hash, content }) => [hash, parseJson<{ source: string }>(content)?.source ?? '']),
  );
  return Object.fromEntries(Object.entries(hashes).map(([key, hash]) => [key, sources.get(hash) ?? '']));
}

function hashOf(source: string): string {
  return createHash('sha256').update(source).digest('hex');
}
