import { describe, expect, it } from 'vitest';
import { type GroupView, groupView, membersAmong, writersAmong } from './group-replication.view.js';

const PORTS = [15_001, 15_002, 15_003];

function view(change: Partial<GroupView> = {}): GroupView {
  return { number: 3, ports: PORTS, state: 'ONLINE', hasMajority: true, takesWrites: false, ...change };
}

const rowsOf = (self: number, roles: string[], states: string[], isReadOnly = 1): Record<string, unknown>[] =>
  roles.map((role, n) => ({
    state: states[n],
    role,
    port: PORTS[n],
    isSelf: n === self ? 1 : 0,
    isReadOnly,
    viewId: '17959960579673206:12',
  }));

describe('groupView', () => {
  it('is the view of one member', () => {
    const rows = rowsOf(1, ['PRIMARY', 'SECONDARY', 'SECONDARY'], ['ONLINE', 'RECOVERING', 'ONLINE']);

    expect(groupView(rows)).toEqual({
      number: 12,
      ports: PORTS,
      state: 'RECOVERING',
      hasMajority: true,
      takesWrites: false,
    });
  });

  it('has no writer that is still read-only after its election', () => {
    const roles = ['PRIMARY', 'SECONDARY', 'SECONDARY'];
    const states = ['ONLINE', 'ONLINE', 'ONLINE'];

    expect(groupView(rowsOf(0, roles, states, 1)).takesWrites).toBe(false);
    expect(groupView(rowsOf(0, roles, states, 0)).takesWrites).toBe(true);
  });

  it('has no majority if the others do not answer', () => {
    const rows = rowsOf(
      0,
      ['PRIMARY', 'SECONDARY', 'SECONDARY'],
      ['ONLINE', 'UNREACHABLE', 'UNREACHABLE'],
      0,
    );

    expect(groupView(rows).hasMajority).toBe(false);
  });

  it('has number 0 on a server in no group', () => {
    expect(groupView([])).toMatchObject({ number: 0, state: 'OFFLINE', hasMajority: false });
    expect(
      groupView([{ state: 'OFFLINE', role: '', port: null, isSelf: 1, isReadOnly: 0, viewId: '' }]),
    ).toMatchObject({ number: 0, takesWrites: false });
  });
});

describe('writersAmong', () => {
  it('excludes a thawed primary that still has its old view', () => {
    const views = new Map([
      ['node1', view({ number: 3, takesWrites: true })],
      ['node2', view({ number: 4, takesWrites: true })],
      ['node3', view({ number: 4 })],
    ]);

    expect(membersAmong(views)).toEqual(['node2', 'node3']);
    expect(writersAmong(views)).toEqual(['node2']);
  });

  it('excludes members without a majority, without an answer, and out of the group', () => {
    const views = new Map([
      ['node1', view({ takesWrites: true, hasMajority: false })],
      ['node2', null],
      ['node3', view({ takesWrites: true, state: 'ERROR' })],
    ]);

    expect(writersAmong(views)).toEqual([]);
  });

  it('returns every member if all are primaries', () => {
    const views = new Map(['node1', 'node2'].map((name) => [name, view({ takesWrites: true })]));

    expect(writersAmong(views)).toEqual(['node1', 'node2']);
  });

  it('returns none if no member answers, nor a single server in no group', () => {
    expect(writersAmong(new Map([['node1', null]]))).toEqual([]);
    expect(
      writersAmong(new Map([['node1', view({ number: 0, state: 'OFFLINE', takesWrites: true })]])),
    ).toEqual([]);
  });
});
