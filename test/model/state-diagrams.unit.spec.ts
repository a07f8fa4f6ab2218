import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BATCH_TRANSITIONS } from '../../libs/mailing/src/model/states/batch-status.js';
import { MAILING_TRANSITIONS } from '../../libs/mailing/src/model/states/mailing-status.js';
import { RECIPIENT_TRANSITIONS } from '../../libs/mailing/src/model/states/recipient-status.js';

const DRAWINGS = [
  ...readFileSync('docs/guarantees.md', 'utf8').matchAll(/```mermaid\nstateDiagram-v2\n([\s\S]*?)```/g),
].map(([, drawing]) =>
  drawing
    .trim()
    .split('\n')
    .map((line) => line.trim()),
);

/** The transitions of a table, in Mermaid's syntax. */
function arrowsOf(table: Record<string, Partial<Record<string, string>>>, start: string): string[] {
  const arrows = Object.entries(table).flatMap(([from, targets]) =>
    Object.entries(targets).map(([to, reason]) => `${from} --> ${to}: ${reason}`),
  );
  const ends = Object.keys(table).filter((state) => Object.keys(table[state]).length === 0);
  return [`[*] --> ${start}`, ...arrows, ...ends.map((state) => `${state} --> [*]`)];
}

describe('the state diagrams of docs/guarantees.md', () => {
  it.each([
    ['mailing', DRAWINGS[0], MAILING_TRANSITIONS, 'loading'],
    ['recipient', DRAWINGS[1], RECIPIENT_TRANSITIONS, 'pending'],
    ['batch', DRAWINGS[2], BATCH_TRANSITIONS, 'free'],
  ] as const)('show every transition of a %s', (_, drawing, table, start) => {
    expect(drawing).toEqual(arrowsOf(table, start));
  });

  it('have reasons without a colon or a semicolon, which would end them', () => {
    for (const table of [MAILING_TRANSITIONS, RECIPIENT_TRANSITIONS, BATCH_TRANSITIONS]) {
      for (const targets of Object.values(table)) {
        for (const reason of Object.values(targets)) expect(reason).not.toMatch(/[:;#]/);
      }
    }
  });
});
