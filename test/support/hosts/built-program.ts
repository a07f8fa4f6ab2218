import { fileURLToPath } from 'node:url';

/** Path of a program that `npm run build:hosts` has bundled: `main`, the service of `src/`, or one of `test/crash/processes`. */
export function builtProgram(name: string): string {
  return fileURLToPath(new URL(`../../../dist/test/hosts/${name}.mjs`, import.meta.url));
}
