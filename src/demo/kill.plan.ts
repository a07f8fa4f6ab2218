/** A kill follows its message within this time, so that kills hit every phase of a commit. */
const MAX_KILL_DELAY_MS = 15;
/** The last kill comes before this share of the mailing, so that some of it is left to send. */
const LAST_MOMENT = 0.95;

export interface PlannedKill {
  /** The number of received messages at which the kill comes. */
  at: number;
  delayMs: number;
  /** The first of these servers that is up is killed. */
  order: string[];
}

export interface KillPlanParts {
  kills: number;
  recipients: number;
  serverIds: readonly string[];
  /** The most recipients that one kill can leave in doubt: their messages may never be received. */
  maxInDoubt: number;
  random: () => number;
}

/** Plans which servers are killed when: anywhere from the first message to nearly the last. Equal random numbers give equal plans. */
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
