import type { Row } from '../../support/databases/server-session.js';

/** What one member believes of the group. */
export interface GroupView {
  /** Grows with each change of the members. 0: it belongs to no group. */
  number: number;
  /** Of all that it takes for members. */
  ports: readonly number[];
  state: string;
  /** Whether most of them answer it. */
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
    // The part before the colon is that of the first start of the group.
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

/** By member; null: it did not answer. */
export type GroupViews<T> = ReadonlyMap<T, GroupView | null>;

/**
 * Those that take part, and have caught up.
 *
 * A member that was frozen believes for seconds after it woke that all is as it was; if it was the primary, it is not read-only. The
 * number of its view tells: the others have gone on without it, which a minority cannot do.
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
