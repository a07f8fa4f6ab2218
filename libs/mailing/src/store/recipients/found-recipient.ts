import type { MarkedRecipient } from '../../model/mail/recipient.js';
import { parseJson } from '../database/parse-json.js';
import { NAME_COLUMN_OF, type RecipientTable } from './open-recipient.js';

/** A recipient that was read in order to send to it, with its table. */
export type Found = MarkedRecipient & { source: RecipientTable };

/** Columns that are read in order to send to a recipient. */
export const COLUMNS_OF: Record<RecipientTable, string> = {
  emailAddress: `idx, attempts, ${NAME_COLUMN_OF.emailAddress}, display_name, data`,
  userMailing: `idx, attempts, ${NAME_COLUMN_OF.userMailing}`,
};

/** A row of one of the two tables, with its `COLUMNS_OF`. */
export interface FoundRow {
  idx: number;
  attempts: number;
  user_id?: string;
  email_address?: string;
  display_name?: string | null;
  data?: unknown;
}

export function toFound(source: RecipientTable, row: FoundRow): Found {
  const [idx, attempts] = [Number(row.idx), Number(row.attempts)];
  if (source === 'userMailing') return { source, idx, attempts, userId: row.user_id };
  const data = parseJson<Record<string, unknown>>(row.data);
  const isMissing = row.data === null || row.data === undefined;
  return {
    source,
    idx,
    attempts,
    email: row.email_address,
    name: row.display_name ?? undefined,
    data: data ?? undefined,
    isUnreadable: data === null ? !isMissing : Array.isArray(data),
  };
}
