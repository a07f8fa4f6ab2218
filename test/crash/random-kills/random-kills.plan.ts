/** When a process is to die. */
export type KillMoment =
  /** Delay in milliseconds after the mail server has got so many messages. */
  | { at: 'message'; count: number; delayMs: number }
  /** So many milliseconds after it was spawned, whether it is up by then or not. */
  | { at: 'start-up'; delayMs: number }
  /** So many milliseconds after it said that it goes on with the mailing. */
  | { at: 'recovery'; delayMs: number };

export interface PlannedKill {
  moment: KillMoment;
  signal: 'SIGKILL' | 'SIGTERM';
}

const MAX_KILLS = 5;
/** A kill comes up to this long after its message, so that it meets every phase of a commit. */
const MAX_DELAY_MS = 15;
/** A process starts in about a second; later it sends. */
const MAX_START_UP_MS = 1_500;
const SHARE_AT_START_UP = 0.15;
const SHARE_AT_RECOVERY = 0.2;
/** Share of orderly shutdowns, so that released mailings are covered as well as abandoned ones. */
const SHARE_OF_SIGTERM = 0.2;

/** Draws the deaths of one round. The first is always at a message: before that there is nothing to resume. */
export function planKills(recipients: number, random: () => number): PlannedKill[] {
  const counts = Array.from(
    { length: 1 + Math.floor(random() * MAX_KILLS) },
    () => 1 + Math.floor(random() * recipients * 0.95),
  ).sort((a, b) => a - b);
  return counts.map((count, n) => {
    const signal = random() < SHARE_OF_SIGTERM ? 'SIGTERM' : 'SIGKILL';
    const draw = n === 0 ? 1 : random();
    if (draw < SHARE_AT_START_UP) {
      return { signal, moment: { at: 'start-up', delayMs: random() * MAX_START_UP_MS } };
    }
    const delayMs = random() * MAX_DELAY_MS;
    if (draw < SHARE_AT_START_UP + SHARE_AT_RECOVERY) return { signal, moment: { at: 'recovery', delayMs } };
    return { signal, moment: { at: 'message', count, delayMs } };
  });
}
