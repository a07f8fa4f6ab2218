// One life after another, each to its end: a message has the environment of the next one, and is answered with how it ended.
// Only lives that die need processes of their own, and to start a process takes longer than to live.
import { live } from './life.mjs';

// They end with the test that asks for them.
process.on('disconnect', () => process.exit());
process.on('message', async (env) => {
  Object.assign(process.env, env);
  const end = await live().then(
    () => 'lived',
    (error) => `failed: ${error?.stack ?? error}`,
  );
  process.send(end);
});
