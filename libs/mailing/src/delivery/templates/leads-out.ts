import path, { type PlatformPath } from 'node:path';

/**
 * Whether a path leads out of a folder, or is the folder itself.
 *
 * @param dir absolute. @param file absolute.
 * @param system the rules of paths; default: those of this system. On Windows a path on another drive is not relative to the folder at all.
 */
export function leadsOut(dir: string, file: string, system: PlatformPath = path): boolean {
  const inside = system.relative(dir, file);
  return (
    inside === '' || inside === '..' || inside.startsWith(`..${system.sep}`) || system.isAbsolute(inside)
  );
}
