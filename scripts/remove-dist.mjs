// No `rm` of a shell: Windows has none.
import { rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
