import { books } from '../measures/books.measure.js';
import { heap } from '../measures/heap.measure.js';
import { load } from '../measures/load.measure.js';
import type { Measure } from '../measure.js';
import { resume } from '../measures/resume.measure.js';

/** Of the plugin alone, by the names that the command line knows, in the order of their turns. */
export const MEASURES: Record<string, Measure> = { load, books, heap, resume };

/** The figure that each of them is in the report. */
export const FIGURE_OF = {
  load: 'loadRowsPerSecond',
  books: 'bookkeepingPerSecond',
  heap: 'liveHeapGrowthMb',
  resume: 'resumeFirstMessageMs',
} as const;

export type MeasuredFigure = (typeof FIGURE_OF)[keyof typeof FIGURE_OF];
