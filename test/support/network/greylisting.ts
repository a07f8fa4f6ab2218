import type { SmtpHook } from './smtp-step.js';

/** Refuses each of these recipients with a temporary error, so many times. */
export function greylisting(times: number, ...addresses: string[]): SmtpHook {
  const seen = new Map<string, number>();
  return ({ command, to }) => {
    if (command !== 'RCPT' || !addresses.includes(to[0])) return undefined;
    const visits = (seen.get(to[0]) ?? 0) + 1;
    seen.set(to[0], visits);
    return visits <= times ? { code: 450, text: '4.2.0 greylisted, come back later' } : undefined;
  };
}
