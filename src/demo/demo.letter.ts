import { openAsBlob } from 'node:fs';
import type { MailingResult } from 'nestjs-mailing';

/** Longest wait for an answer about a letter. */
const ANSWER_MS = 5_000;

/** Asks the service at this URL to send the demo's newsletter. @returns the id of the mailing. */
export async function postLetter(url: string, csv: string, batched = false): Promise<string> {
  const form = new FormData();
  form.set('name', 'Demo letter');
  form.set('subject', '{{name}}, your letter from the Corner Shop');
  form.set('from', 'The Corner Shop <letters@shop.example>');
  form.set('headline', 'Summer is here');
  form.set('text', 'The peaches are ripe, the door is open & the coffee is on us: "see you" at the shop.');
  form.set('batched', String(batched));
  form.set('recipients', await openAsBlob(csv, { type: 'text/csv' }), 'recipients.csv');
  const response = await fetch(`${url}/newsletters`, { method: 'POST', body: form });
  const answer = (await response.json()) as { id: string; message?: string };
  if (response.status !== 202) throw new Error(`The service answered ${response.status}: ${answer.message}`);
  return answer.id;
}

/** The progress of the newsletter, as the service at this URL reports it. */
export async function letterStatus(url: string, mailingId: string): Promise<MailingResult> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(`${url}/newsletters/${mailingId}`, { signal });
  return (await response.json()) as MailingResult;
}
