import { startMariaDb } from '/work/wt/env/test/support/maria-db.server.ts';
import { writeFile } from 'node:fs/promises';
const s = await startMariaDb({});
await writeFile('/tmp/env-server.url', s.url + ' ' + s.pid);
process.on('SIGTERM', () => void s.stop().then(() => process.exit(0)));
setInterval(() => {}, 1e6);
