import type { Drill } from './drill.js';
import { type DrillVerdict, judge } from './drill.verdict.js';
import { DrillWorld, SilentMailingsError, type WorldParts } from './drill.world.js';

/** Runs one drill from an empty database to its verdict. @throws Error if the cluster or the suite itself fails. */
export async function runDrill(drill: Drill, parts: Omit<WorldParts, 'seconds'>): Promise<DrillVerdict> {
  await using world = await DrillWorld.start({ ...parts, seconds: drill.seconds });
  const complaints: string[] = [];
  try {
    await drill.act(world);
    if (world.isOver) world.say('the mailings were over before the drill was');
    await world.finish();
  } catch (error) {
    // Silent mailings are a result of the drill; any other error is a fault of the suite.
    if (!(error instanceof SilentMailingsError)) throw error;
    complaints.push(error.message);
  }
  complaints.push(...world.hosts.lost, ...(await world.hosts.stop()));
  return judge(world, complaints);
}
