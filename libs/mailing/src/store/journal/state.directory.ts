import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The folder in which programs of this user keep what must outlive them on this machine: `STATE_DIRECTORY`, which systemd sets for a service
 * (systemd.exec(5)), or `XDG_STATE_HOME`, or `.local/state` in the home (XDG Base Directory Specification 0.8).
 *
 * @throws Error if the user has no home.
 */
export function stateDirectory(env = process.env, home: () => string = homedir): string {
  // systemd separates several by colons.
  const [ofService] = (env.STATE_DIRECTORY ?? '').split(':');
  const given = [ofService, env.XDG_STATE_HOME].find((dir) => dir && isAbsolute(dir));
  return given ?? join(homeOf(home), '.local', 'state');
}

function homeOf(home: () => string): string {
  let found = '';
  try {
    found = home();
  } catch {
    // A user without an entry in the system's list of users, as in many containers.
  }
  if (!isAbsolute(found)) throw new Error('this user has no home');
  return found;
}
