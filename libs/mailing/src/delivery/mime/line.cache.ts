import type { LineWriter, WireLines } from './line-writers.js';

/** Characters. Shorter runs of lines cost more to find than to write. */
const MIN_RUN = 64;
const MAX_RUNS = 64;
/** Characters. Longer texts are not learned from, which bounds memory. */
const MAX_SAMPLE = 256 * 1024;
/** Lines that may be inserted or removed between two common lines. */
const MAX_DETOUR = 20;
const MAX_TOLERANCE = 1_024;

interface Run extends WireLines {
  /** Whole lines, each with its break. */
  text: string;
}

/**
 * Writes texts that have most of their lines in common: the bodies of one mailing.
 *
 * A body is checked and written line by line, and the output for a line does not depend on its neighbours. So runs of lines that two texts of a
 * mailing have in common are cached in their written form, and the next text is cut at them: one comparison per run, and work only for the text
 * between.
 *
 * *Invariant: the output equals that of the writer, whatever template, engine or language made the text.* A run is used only where the text has
 * exactly these lines; other runs are skipped. Runs that do not help are replaced.
 */
export class LineCache {
  #runs: Run[] = [];
  #sample: string | null = null;
  #numUnhelped = 0;
  #tolerance = 1;

  constructor(private readonly written: LineWriter) {}

  /** @returns null if the writer can't write a part of it. */
  write(text: string): WireLines | null {
    let wire = '';
    let isPlain = true;
    let known = 0;
    let at = 0;
    for (const run of this.#runs) {
      // Not `startsWith`: it compares character by character and takes twelve times as long.
      const isNext = text.slice(at, at + run.text.length) === run.text;
      const found = isNext ? at : text.indexOf(run.text, at);
      if (found < 0 || (found > 0 && text[found - 1] !== '\n')) continue;
      if (found > at) {
        const between = this.written(text.slice(at, found));
        if (!between) return null;
        wire += between.wire;
        isPlain &&= between.isAscii;
      }
      wire += run.wire;
      isPlain &&= run.isAscii;
      known += run.text.length;
      at = found + run.text.length;
    }
    const rest = this.written(at === 0 ? text : text.slice(at));
    if (!rest) return null;
    this.#learn(text, known);
    return { wire: wire + rest.wire, isAscii: isPlain && rest.isAscii };
  }

  #learn(text: string, known: number): void {
    if (known * 2 >= text.length) {
      this.#numUnhelped = 0;
      return;
    }
    if (this.#sample !== null) {
      this.#runs = commonRuns(this.#sample, text, this.written);
      this.#sample = null;
      return;
    }
    if (++this.#numUnhelped < this.#tolerance || text.length > MAX_SAMPLE) return;
    this.#numUnhelped = 0;
    this.#tolerance = Math.min(2 * this.#tolerance, MAX_TOLERANCE);
    this.#sample = text;
  }
}

/** Runs of whole lines that both texts have, in the same order. */
function commonRuns(one: string, other: string, written: LineWriter): Run[] {
  if (Math.max(one.length, other.length) > MAX_SAMPLE) return [];
  const [ours, theirs] = [linesOf(one), linesOf(other)];
  const runs: Run[] = [];
  let run = '';
  const end = (): void => {
    const lines = run.length >= MIN_RUN && runs.length < MAX_RUNS ? written(run) : null;
    if (lines) runs.push({ ...lines, text: run });
    run = '';
  };
  for (let a = 0, b = 0; a < ours.length && b < theirs.length; a++, b++) {
    if (ours[a] !== theirs[b]) {
      end();
      const [skipA, skipB] = detour(ours, theirs, a, b);
      a += skipA;
      b += skipB;
    }
    if (ours[a] === theirs[b]) run += ours[a] ?? '';
  }
  end();
  return runs;
}

/** How many lines of each text to skip until they agree again; none if they do not agree within `MAX_DETOUR`. */
function detour(ours: string[], theirs: string[], a: number, b: number): [number, number] {
  for (let length = 1; length <= MAX_DETOUR; length++) {
    for (let skipA = 0; skipA <= length; skipA++) {
      const line = ours[a + skipA];
      if (line !== undefined && line === theirs[b + length - skipA]) return [skipA, length - skipA];
    }
  }
  return [0, 0];
}

/** Lines with their breaks. A last line without a break is left out, because it may go on in another text. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n/g) ?? [];
}
