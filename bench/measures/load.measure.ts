import { bulkHost, type Measure, NOT_TODAY_MS } from '../measure.js';
import { startHost } from '../scaling/scaling.round.js';

/** Rows a second, from the call with the list to its answer, when the list is committed. */
export const load: Measure = async (ground, task) => {
  const host = await startHost(bulkHost(task, (await ground.sink()).url));
  try {
    const start = performance.now();
    await host.ask('send', { recipients: task.recipients, batchSize: null, inMs: NOT_TODAY_MS });
    return (task.recipients * 1_000) / (performance.now() - start);
  } finally {
    await host.end();
  }
};
