import type { Row } from '../../support/databases/server-session.js';

/** The group as seen by one member. */
export interface GroupView {
  /** Grows with each change of membership. 0: in no group. */
  number: number;
  /** Ids of all members in its view. */
  ports: readonly number[];
  state: string;
  /** Whether a majority of them is reachable. */
  hasMajority: boolean;
  takesWrites: boolean;
}

export const VIEW_QUERY = `SELECT MEMBER_STATE AS state, MEMBER_ROLE AS role, MEMBER_PORT AS port, MEMBER_ID = @@server_uuid AS isSelf,
  @@GLOBAL.super_read_only AS isReadOnly,
  (SELECT MAX(VIEW_ID) FROM performance_schema.replication_group_member_stats) AS viewId
  FROM performance_schema.replication_group_members`;

/** From the rows of `VIEW_QUERY`. */
export function groupView(rows: readonly Row[]): GroupView {
  const self = rows.find(({ isSelf }) => Number(isSelf) === 1);
  const numAnswering = rows.filter(({ state }) => state === 'ONLINE' || state === 'RECOVERING').length;
  return {
    // The part before the colon identifies the first start of the group.
    number: Number(textOf(self?.viewId).split(':')[1] ?? 0),
    ports: rows.map(({ port }) => Number(port)),
    state: textOf(self?.state) || 'OFFLINE',
    hasMajority: numAnswering * 2 > rows.length,
    takesWrites: self?.role === 'PRIMARY' && Number(self.isReadOnly) === 0,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Views by member; null without an answer. */
export type GroupViews<T> = ReadonlyMap<T, GroupView | null>;

/**
 * Members that are online and have caught up.
 *
 * A thawed member keeps its old view for seconds, and a former primary is writable meanwhile. Its lower view number shows it: the
 * others have gone on without it, which a minority can not do.
 */
export function membersAmong<T>(views: GroupViews<T>): T[] {
  const newest = Math.max(...[...views.values()].map((view) => view?.number ?? 0));
  return [...views].flatMap(([member, view]) =>
    view?.number === newest && view.state === 'ONLINE' && view.hasMajority ? [member] : [],
  );
}

export function writersAmong<T>(views: GroupViews<T>): T[] {
  return membersAmong(views).filter((member) => views.get(member)?.takesWrites);
}
