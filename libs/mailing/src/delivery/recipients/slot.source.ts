import { RefusedContent } from '../../model/mail/refused-content.js';
import type { Addressee, Skip } from './recipient.policy.js';

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
   * Asked once for each commit with the ids of its profiles.
   *
   * @returns what a profile sees, and what a plain address sees (undefined); a `RefusedContent` where a profile has to be skipped.
   * @throws whatever keeps it from being read; the whole commit is tried again later, and no recipient misses its content.
   */
  contentsOf(userIds: string[]): Promise<(userId: string | undefined) => SlotContents | RefusedContent>;
}

/** Gives each recipient its contents along with its variables; a profile whose own content could not be had is skipped. */
export async function handOutSlots(
  source: SlotSource,
  recipients: { addressee: Addressee | Skip }[],
): Promise<void> {
  const addressees = recipients.flatMap(({ addressee }) => ('skip' in addressee ? [] : [addressee]));
  if (addressees.length === 0) return;
  const ids = addressees.flatMap(({ userId }) => (userId === undefined ? [] : [userId]));
  const seenBy = await source.contentsOf(ids);
  for (const one of recipients) {
    if ('skip' in one.addressee) continue;
    const seen = seenBy(one.addressee.userId);
    if (RefusedContent.is(seen)) one.addressee = { skip: 'invalid_slot_content', text: seen.text };
    else one.addressee.variables = withSlots(one.addressee.variables, seen);
  }
}

export function withSlots(
  variables: Record<string, unknown>,
  contents: SlotContents,
): Record<string, unknown> {
  return { ...variables, [SLOTS]: contents };
}
