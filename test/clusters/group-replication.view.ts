import type { Row } from '../support/server-session.js';

/** What one member believes of the group. */
export interface GroupView {
  /** Grows with each change of the members. 0: it belongs to no group. */
  number: number;
  state: string;
  /** Whether most of the members of its view answer it. */
  hasMajority: boolean;
  takesWrites: boolean;
}

export const VIEW_QUERY = `SELECT MEMBER_STATE AS state, MEMBER_ROLE AS role, MEMBER_ID = @@server_uuid AS isSelf,
  @@GLOBAL.super_read_only AS isReadOnly,
  (SELECT MAX(VIEW_ID) FROM performance_schema.replication_group_member_stats) AS viewId
  FROM performance_schema.replication_group_members`;

/** From the rows of `VIEW_QUERY`. */
export function groupView(rows: readonly Row[]): GroupView {
  const self = rows.find(({ isSelf }) => Number(isSelf) === 1);
  const numAnswering = rows.filter(({ state }) => state === 'ONLINE' || state === 'RECOVERING').length;
  return {
    number: Number(String(self?.viewId ?? '').split(':')[1] ?? 0),
    state: String(self?.state ?? 'OFFLINE'),
    hasMajority: numAnswering * 2 > rows.length,
    takesWrites: self?.role === 'PRIMARY' && Number(self.isReadOnly) === 0,
  };
}

/**
 * Which of the members take writes, by their index in `views`; null stands for one that did not answer.
 *
 * A primary that was frozen believes for seconds after it woke that it is still the primary of all, and is not read-only. The number of
 * its view tells: the others have gone on without it, which a minority cannot do.
 */
export function writersAmong(views: readonly (GroupView | null)[]): number[] {
  const newest = Math.max(...views.map((view) => view?.number ?? 0));
  return views.flatMap((view, index) =>
    view?.number === newest && view.state === 'ONLINE' && view.hasMajority && view.takesWrites ? [index] : [],
  );
}
