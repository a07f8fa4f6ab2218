import { expect, it } from 'vitest';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import type { SmtpCommand } from '../../support/network/smtp-step.js';

const QUOTAS = [
  { code: 550, text: '5.4.5 Daily user sending limit exceeded' },
  { code: 552, text: '5.2.2 relay quota exceeded' },
  { code: 554, text: 'Sending paused for this account' },
];
/** The reply to MAIL is tested in error-rate-guard.spec.ts, with more recipients. */
const PLACES: [SmtpCommand, boolean][] = [
  ['RCPT', false],
  ['END', false],
  ['MAIL', true],
  ['RCPT', true],
  ['END', true],
];
interface Refusal {
  code: number;
  text: string;
  command: SmtpCommand;
  bulkSmtp: boolean;
}

const TAKEN = 100;
const RECIPIENTS = 400;
/** The number of failures that pause by default, plus the messages in flight at the last of them. */
const MAX_TRIED = 50 + 30;

/** The meaning of a reply does not depend on the database, so one text is enough for most; what is stored of it does. */
function refusalsOn(kind: DatabaseKind): Refusal[] {
  const quotas = kind === 'sqlite' ? QUOTAS : QUOTAS.slice(0, 1);
  return PLACES.flatMap(([command, bulkSmtp]) => quotas.map((answer) => ({ ...answer, command, bulkSmtp })));
}

forEachDatabase('an exhausted sending quota', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each(refusalsOn(kind))(
    '$code $text at $command, bulkSmtp: $bulkSmtp: paused after tens, no recipient is consumed',
    async ({ command, bulkSmtp, code, text }) => {
      let reached = 0;
      rig.inbox.answer = (step) => {
        if (step.command !== command || ++reached <= TAKEN) return undefined;
        // The inbox also keeps messages that it has refused.
        if (step.message) rig.inbox.messages.splice(rig.inbox.messages.indexOf(step.message), 1);
        return { code, text };
      };
      const app = await rig.boot({ bulkSmtp, retry: { maxAttempts: 50, initialDelayMs: 1_000 } });
      const mailingId = await rig.send(app, RECIPIENTS);
      const { statusReason } = await rig.reached(mailingId, 'paused', 25_000);
      expect(statusReason).toContain('error rate: 50 of the last 50 attempts failed with');
      expect(statusReason).toContain(text.replace(/^[\d.]+ /, ''));
      const { sent, deferred, pending, ...others } = (await rig.progress(mailingId)).byStatus;
      expect({ sent, others }).toEqual({ sent: TAKEN, others: {} });
      expect(deferred).toBeLessThan(MAX_TRIED);
      expect(pending + deferred).toBe(RECIPIENTS - TAKEN);

      rig.inbox.answer = undefined;
      await app.sender.resume(mailingId);
      await rig.reached(mailingId, 'completed', 25_000);
      await rig.assertAllSent(mailingId, RECIPIENTS);
    },
  );
});
