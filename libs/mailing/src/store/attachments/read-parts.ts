import type { Session } from '../database/mailing.database.js';

/** The parts of a file, in order; index: primary key. */
export async function readParts(session: Session, hash: string): Promise<string[]> {
  const rows = await session.rows<{ content: string }>(
    `SELECT content FROM ${session.tables.mailAttachment} WHERE hash = ? ORDER BY part`,
    [hash],
  );
  return rows.map(({ content }) => content);
}

/** The lengths of the parts, without reading them; index: primary key. */
export async function readPartLengths(session: Session, hash: string): Promise<number[]> {
  const rows = await session.rows<{ length: unknown }>(
    `SELECT LENGTH(content) AS length FROM ${session.tables.mailAttachment} WHERE hash = ? ORDER BY part
     ${session.currentRows}`,
    [hash],
  );
  return rows.map(({ length }) => Number(length));
}
