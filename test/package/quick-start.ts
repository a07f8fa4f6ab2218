import { readFile } from 'node:fs/promises';

export interface QuickStart {
  /** In their order; the last one starts the application. */
  commands: string[];
  files: { path: string; text: string }[];
}

/** The part "Quick start" of a page: indented lines are commands, a path on a line of its own names the block that follows. */
export async function quickStartOf(page: string): Promise<QuickStart> {
  const [, rest] = (await readFile(page, 'utf8')).split('\n## Quick start\n');
  const [part] = rest.split('\n## ');
  const named = [...part.matchAll(/^`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)];
  const words = part.replace(/^```[\s\S]*?^```$/gm, '');
  return {
    commands: [...words.matchAll(/^ {4}(\S.*)$/gm)].map(([, command]) => command),
    files: named.map(([, path, text]) => ({ path, text })),
  };
}
