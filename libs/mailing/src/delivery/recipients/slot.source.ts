import { RefusedContent } from '../../model/mail/refused-content.js';
import type { Addressee, Skip } from './recipient.policy.js';

/** The contents that a recipient sees, by slot. */
export type SlotContents = Readonly<Record<string, unknown>>;

/** Key of the slot contents among a recipient's variables. A symbol, so no variable of the host can be mistaken for it or hide it. */
export const SLOTS = Symbol('nestjs-mailing slots');

/** Provides the slot contents of one mailing's recipients. */
export interface SlotSource {
  /**
   * Asked once per commit with the ids of its profiles.
   *
   * @returns the contents by profile id; by undefined, those of a plain address. A `RefusedContent` if the profile has to be skipped.
   * @throws if the contents can't be read. Then the whole commit is retried later, and no recipient misses its content.
   */
  contentsOf(userIds: string[]): Promise<(userId: string | undefined) => SlotContents | RefusedContent>;
}

/** Adds its contents to each recipient's variables. A profile whose content is refused is skipped. */
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
