import { progress } from '../measures/progress.measure.js';
import { heap } from '../measures/heap.measure.js';
import { load } from '../measures/load.measure.js';
import type { Measure } from '../measure.js';
import { resume } from '../measures/resume.measure.js';

/** Measures of the plugin alone, by their names on the command line, in the order of the runs. */
export const MEASURES: Record<string, Measure> = { load, progress, heap, resume };

/** The name of each figure in the report. */
export const FIGURE_OF = {
  load: 'loadRowsPerSecond',
  progress: 'settledPerSecond',
  heap: 'liveHeapGrowthMb',
  resume: 'resumeFirstMessageMs',
} as const;

export type MeasuredFigure = (typeof FIGURE_OF)[keyof typeof FIGURE_OF];
