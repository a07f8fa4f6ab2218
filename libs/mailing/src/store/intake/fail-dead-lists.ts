import type { Session } from '../database/mailing.database.js';
import { isLiving } from '../database/proves-life.js';

/**
 * Fails the lists of this server whose writer died: every `loading` mailing that the living incarnation did not begin.
 *
 * - Index: `(uniq_server_id, status)`. The token begins with the incarnation that wrote it.
 * - Requires the caller's incarnation to be live: after a stop the list may be its successor's.
 */
export function failDeadLists(session: Session, uniqServerId: string, incarnation: string): Promise<number> {
  const life = isLiving(session, uniqServerId, incarnation);
  return session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'failed', status_reason = 'list incomplete', claim_token = NULL, commit_seq = commit_seq + 1,
         end_time = ${session.dialect.now}
     WHERE uniq_server_id = ? AND status = 'loading' AND (claim_token IS NULL OR claim_token NOT LIKE ?)
       AND ${life.sql}`,
    [uniqServerId, `${incarnation}#%`, ...life.parameters],
  );
}
