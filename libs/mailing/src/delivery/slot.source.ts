import type { Addressee } from './recipient.policy.js';

/** What a recipient sees, by slot. */
export type SlotContents = Readonly<Record<string, unknown>>;

/**
 * Where the contents stand among the variables of a recipient. A symbol, because nothing that a host calls a variable may
 * be taken for it, nor be hidden by it.
 */
export const SLOTS = Symbol('nestjs-mailing slots');

/** Knows what the recipients of one mailing see. */
export interface SlotSource {
  /**
   * Asked once for each beat with the ids of its profiles.
   *
   * @returns what a profile sees, and what a plain address sees (undefined).
   * @throws whatever keeps it from being read; the whole beat is tried again later, and nobody misses his content.
   */
  contentsOf(userIds: string[]): Promise<(userId: string | undefined) => SlotContents>;
}

/** Gives each of them his contents along with his variables. */
export async function handOutSlots(source: SlotSource, addressees: Addressee[]): Promise<void> {
  if (addressees.length === 0) return;
  const ids = addressees.flatMap(({ userId }) => (userId === undefined ? [] : [userId]));
  const seenBy = await source.contentsOf(ids);
  for (const one of addressees) one.variables = withSlots(one.variables, seenBy(one.userId));
}

export function withSlots(
  variables: Record<string, unknown>,
  contents: SlotContents,
): Record<string, unknown> {
  return { ...variables, [SLOTS]: contents };
}
