import type { Measure } from '../measure.js';
import { measured } from '../speed/speed.contenders.js';

/** Recipients a second by the ledger alone, with a transport that does nothing. */
export const progress: Measure = async (_ground, { recipients, database }) => {
  const settings = { smtpUrl: '', smtpConnections: 0, storeUrl: database.url };
  const { seconds } = await measured('measures/progress.process.ts', settings, { recipients });
  const [{ sent }] = await database.rows<{ sent: number }>(
    "SELECT num_sent AS sent FROM dps_mailing WHERE status = 'completed'",
  );
  if (Number(sent) !== recipients) throw new Error(`The progress says ${sent} instead of ${recipients}.`);
  return recipients / seconds;
};
