import { createHash } from 'node:crypto';
import { DroppedRowError } from '../../model/errors/dropped-row.error.js';
import type { Session } from '../database/mailing.database.js';
import { parseJson } from '../database/parse-json.js';
import { placeholders } from '../database/placeholders.js';

/** SHA-256 of each template of a mailing, by the renderer's name for the template. */
export type TemplateHashes = Record<string, string>;

export function hashesOf(content: Record<string, string>): TemplateHashes {
  const entries = Object.entries(content).map(([key, source]) => [key, hashOf(source)] as const);
  return Object.fromEntries(entries);
}

/**
 * Stores the template sources that are not stored yet, with one statement per source, because a source may be as long as a packet.
 *
 * - Lock order: after the mailing's row, in order of the hashes, so two mailings with the same templates do not deadlock.
 * - A source that was not new must be found afterwards: one more query for a mailing with known templates; index: primary key.
 * - Rejected: querying first which sources are stored. A source has some ten kilobytes, and a mailing writes each one once.
 *
 * @throws DroppedRowError if a source is neither written nor found, or if the database changed it.
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
    `SELECT hash FROM ${session.tables.mailTemplate} WHERE hash IN (${placeholders(known)})
     ${session.currentRows}`,
    known,
  );
  if (rows.length < known.length) throw new DroppedRowError('dps_mail_template');
}

/** @returns an empty record if one template is missing: with only some of its templates it would be another mailing. */
export async function readTemplates(
  session: Session,
  hashes: TemplateHashes,
): Promise<Record<string, string>> {
  const wanted = [...new Set(Object.values(hashes))];
  // A renderer of the host may have no templates to store.
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
