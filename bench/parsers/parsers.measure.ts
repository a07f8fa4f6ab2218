import type { ParserCase } from './parser.cases.js';
import { rounded } from '../median.js';

/** How the time of one parser grows with a text of one shape. */
export interface Growth {
  name: string;
  /** Of the longer text; the shorter one is a tenth of it, the one beyond ten times as long. */
  characters: number;
  /** For one reading of the shorter text, of the longer one, and of the one beyond. */
  microseconds: [shorter: number, longer: number, beyond: number];
  /** Of the longer one to the shorter one. */
  ratio: number;
}

/** So many times the time, at most, for ten times the text, unless the bench is told otherwise. */
export const MAX_RATIO = 15;

const SHARE = 10;
/** What seems to grow faster is measured again: the least counts, of both. */
const MAX_AGAIN = 3;
const ROUNDS = 7;
/** A reading that takes long is repeated less often; what disturbs it is a smaller part of it. */
const ENOUGH_MS = 3_000;
/** Not to let a parser without a bound run for minutes. */
const MAX_BEYOND = 1_000_000;

/**
 * The least of some rounds, because whatever else the machine does can only add to it.
 *
 * @param roundMs how long a text is read again and again in each round.
 * @param maxRatio what seems to grow faster is measured again.
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
