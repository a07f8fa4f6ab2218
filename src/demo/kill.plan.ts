/** A kill comes up to this long after its message, so that it meets every phase of a commit. */
const MAX_KILL_DELAY_MS = 15;
/** Kills end before the mailing does, so that there is something left to go on with. */
const LAST_MOMENT = 0.95;

export interface PlannedKill {
  /** Once so many messages were received. */
  at: number;
  delayMs: number;
  /** The first of these servers that is up is killed. */
  order: string[];
}

export interface KillPlanParts {
  kills: number;
  recipients: number;
  serverIds: readonly string[];
  /** The most that one kill can leave in doubt: they may never be received. */
  maxInDoubt: number;
  random: () => number;
}

/** Which servers are killed when, the same for the same random numbers: anywhere from the first message to nearly the last. */
export function planKills({
  kills,
  recipients,
  serverIds,
  maxInDoubt,
  random,
}: KillPlanParts): PlannedKill[] {
  const certain = Math.max(recipients - kills * maxInDoubt, recipients / 2);
  const draw = (): PlannedKill => ({
    at: 1 + Math.floor(random() * certain * LAST_MOMENT),
    delayMs: random() * MAX_KILL_DELAY_MS,
    order: serverIds
      .map((id) => ({ id, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ id }) => id),
  });
  return Array.from({ length: kills }, draw).sort((a, b) => a.at - b.at);
}
