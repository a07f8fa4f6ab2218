import { toOneLine } from '../../model/values/bounded-text.js';

/** Which server sent the message. */
export const SERVER_HEADER = 'X-Mailing-Server';
/** Which run of that server sent it. */
export const RUN_HEADER = 'X-Mailing-Run';

/**
 * Headers by which a message leads to the process that sent it. The ancestor's named the server and the sending thread; here a process and
 * a batch stand for the thread.
 *
 * @param startIdx of the batch that the run works on; null: it works on the whole mailing.
 */
export function debugHeaders(
  uniqServerId: string,
  pid: number,
  startIdx: number | null,
): Record<string, string> {
  const batch = startIdx === null ? '' : `; batch=${startIdx}`;
  return { [SERVER_HEADER]: toOneLine(uniqServerId), [RUN_HEADER]: `pid=${pid}${batch}` };
}
