import { BenchChild } from '../bench-child.js';
import type { HeapAnswers } from './heap.process.js';
import { bulkHost, type Measure } from '../measure.js';

/** How many times longer the long list is. */
const TIMES = 100;
const BYTES_PER_MB = 2 ** 20;

/** How much more memory a full list takes than a hundredth of it, at the peak of each. */
export const heap: Measure = async (ground, task) => {
  const settings = bulkHost(task, (await ground.sink()).url);
  const most = async (recipients: number): Promise<number> => {
    const host = await BenchChild.start<HeapAnswers>('measures/heap.process.ts', settings, ['--expose-gc']);
    try {
      return await host.ask('mostLiveBytes', { recipients });
    } finally {
      await host.end();
    }
  };
  const few = await most(Math.ceil(task.recipients / TIMES));
  return ((await most(task.recipients)) - few) / BYTES_PER_MB;
};
