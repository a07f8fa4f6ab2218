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

/** The arrows of a table, as the drawing language spells them. */
function arrowsOf(table: Record<string, Partial<Record<string, string>>>, start: string): string[] {
  const arrows = Object.entries(table).flatMap(([from, targets]) =>
    Object.entries(targets).map(([to, reason]) => `${from} --> ${to}: ${reason}`),
  );
  const ends = Object.keys(table).filter((state) => Object.keys(table[state]).length === 0);
  return [`[*] --> ${start}`, ...arrows, ...ends.map((state) => `${state} --> [*]`)];
}

describe('the state drawings of docs/guarantees.md', () => {
  it.each([
    ['mailing', DRAWINGS[0], MAILING_TRANSITIONS, 'loading'],
    ['recipient', DRAWINGS[1], RECIPIENT_TRANSITIONS, 'pending'],
    ['batch', DRAWINGS[2], BATCH_TRANSITIONS, 'free'],
  ] as const)('show the states of a %s, arrow by arrow', (_, drawing, table, start) => {
    expect(drawing).toEqual(arrowsOf(table, start));
  });

  it('can be drawn: a reason with a colon or a semicolon would end there', () => {
    for (const table of [MAILING_TRANSITIONS, RECIPIENT_TRANSITIONS, BATCH_TRANSITIONS]) {
      for (const targets of Object.values(table)) {
        for (const reason of Object.values(targets)) expect(reason).not.toMatch(/[:;#]/);
      }
    }
  });
});
