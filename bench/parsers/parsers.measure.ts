import type { ParserCase } from './parser.cases.js';
import { rounded } from '../median.js';

/** How the time of one parser grows with a text of one shape. */
export interface Growth {
  name: string;
  /** Characters of the longer text; the shorter one is a tenth of it, the longest one ten times as long. */
  characters: number;
  /** For one parse of the shorter, the longer and the longest text. */
  microseconds: [shorter: number, longer: number, beyond: number];
  /** Time of the longer text by that of the shorter one. */
  ratio: number;
}

/** Default maximum of the ratio for ten times the text. */
export const MAX_RATIO = 15;

const SHARE = 10;
/** A higher ratio is measured again, and the minimum of both counts. */
const MAX_AGAIN = 3;
const ROUNDS = 7;
/** A slow parse is repeated less often, because noise is a smaller part of it. */
const ENOUGH_MS = 3_000;
/** Prevents a parser without a limit from running for minutes. */
const MAX_BEYOND = 1_000_000;

/**
 * The minimum of some rounds, because other load can only add to it.
 *
 * @param roundMs how long each round repeats the parse. @param maxRatio a higher ratio is measured again.
 */
export async function growthOf(
  { name, characters, text, reading }: ParserCase,
  roundMs: number,
  maxRatio: number,
): Promise<Growth> {
  const time = async (length: number): Promise<number> => {
    const { run, end } = await reading(text(length));
    try {
      let least = Infinity;
      const start = performance.now();
      for (let round = 0; round < ROUNDS; round++) {
        least = Math.min(least, await timeOf(run, roundMs));
        if (round > 0 && performance.now() - start > ENOUGH_MS) break;
      }
      return least;
    } finally {
      await end?.();
    }
  };
  let [shorter, longer] = [await time(characters / SHARE), await time(characters)];
  for (let again = 0; again < MAX_AGAIN && longer > maxRatio * shorter; again++) {
    shorter = Math.min(shorter, await time(characters / SHARE));
    longer = Math.min(longer, await time(characters));
  }
  const beyond = await time(Math.min(SHARE * characters, MAX_BEYOND));
  return {
    name,
    characters,
    microseconds: [rounded(shorter), rounded(longer), rounded(beyond)],
    ratio: rounded(longer / shorter),
  };
}

async function timeOf(run: () => unknown, roundMs: number): Promise<number> {
  const start = performance.now();
  let count = 0;
  let passed = 0;
  while (passed < roundMs) {
    await read(run);
    count++;
    passed = performance.now() - start;
  }
  return (passed / count) * 1_000;
}

async function read(run: () => unknown): Promise<void> {
  try {
    const result = run();
    if (result instanceof Promise) await result;
  } catch {
    // A refusal takes its time, too.
  }
}
