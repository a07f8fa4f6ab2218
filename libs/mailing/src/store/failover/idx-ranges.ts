/** First and last idx of each run of consecutive idx, ascending. */
export function rangesOf(indexes: readonly number[]): Int32Array {
  const sorted = Int32Array.from(indexes).sort();
  const ranges: number[] = [];
  for (const idx of sorted) {
    if (ranges.length > 0 && ranges[ranges.length - 1] === idx - 1) ranges[ranges.length - 1] = idx;
    else ranges.push(idx, idx);
  }
  return Int32Array.from(ranges);
}

/** The union of ranges: ascending, disjoint, and not adjacent. */
export function mergedRanges(all: Int32Array[]): Int32Array {
  const pairs: [number, number][] = [];
  for (const ranges of all)
    for (let at = 0; at < ranges.length; at += 2) pairs.push([ranges[at], ranges[at + 1]]);
  pairs.sort(([one], [other]) => one - other);
  const merged: number[] = [];
  for (const [from, to] of pairs) {
    if (merged.length > 0 && from <= merged[merged.length - 1] + 1)
      merged[merged.length - 1] = Math.max(merged[merged.length - 1], to);
    else merged.push(from, to);
  }
  return Int32Array.from(merged);
}

export function isWithin(ranges: Int32Array, idx: number): boolean {
  let low = 0;
  let high = ranges.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (ranges[2 * middle + 1] < idx) low = middle + 1;
    else if (ranges[2 * middle] > idx) high = middle - 1;
    else return true;
  }
  return false;
}
