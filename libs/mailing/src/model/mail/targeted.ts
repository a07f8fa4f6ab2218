import { askHostUntimed, HostAnswerError } from '../host-calls/host-call.js';
import { beginReading } from '../host-calls/source-reading.js';
import { kindOf } from '../values/value-kind.js';

const CALL = 'targeted: isTarget';

/**
 * A targeter: the entries of a list that a rule of the host lets through, in their order, read as a stream. For rules that a query can't
 * express. Entries are recipients, or anything else that yields recipients after another step.
 *
 * Like every list it is read once, in the context of the caller. The rule may be async and is awaited entry by entry; while nothing is let
 * through, the list counts as silent (`run.sourceTimeoutMs`, 10 minutes).
 *
 * @param isTarget true lets the entry through, false leaves it out.
 * @throws while it is read: what the list or `isTarget` throws; HostAnswerError if `isTarget` answers with something else than true or false;
 * SourceConsumedError if the list is a generator or stream that was read before. A mailing whose list throws is `failed`, and nothing is sent.
 * @example
 * ```ts
 * const loyal = targeted([{ userId: 'c-17' }, { userId: 'c-18' }], async ({ userId }) => userId !== 'c-18');
 * await sender.sendEmailMessage(info, loyal, { persist: true });
 * ```
 */
export async function* targeted<Entry>(
  list: Iterable<Entry> | AsyncIterable<Entry>,
  isTarget: (entry: Entry) => boolean | PromiseLike<boolean>,
): AsyncGenerator<Entry, void, undefined> {
  for await (const entry of beginReading(list, 'targeted: list')) {
    const answer: unknown = await askHostUntimed(() => isTarget(entry));
    if (typeof answer !== 'boolean') throw new HostAnswerError(CALL, 'true or false', kindOf(answer));
    if (answer) yield entry;
  }
}
