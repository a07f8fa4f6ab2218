import type { EmailAddress, Mailing } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import type { StoredProgress } from '../../support/databases/stored-progress.js';
import { readerAddress, readerAddresses } from '../../support/hosts/reader-list.js';
import { assertPromiseKept, type Case } from './promise.js';

/** Ten recipients, the last of them in doubt, all received once. */
function kept(): Case & { progress: StoredProgress; copies: Map<string, number> } {
  const copies = new Map(readerAddresses(10).map((address) => [address, 1]));
  const rows = readerAddresses(10).map((emailAddress, idx) => ({
    idx,
    emailAddress,
    status: idx === 9 ? 'in_doubt' : 'sent',
  }));
  const counters = { numSent: 9, numErrors: 1, numSkipped: 0, numProfiles: 10 };
  return {
    copies,
    progress: {
      mailing: { id: 'm', status: 'completed', ...counters } as Mailing,
      recipients: rows as EmailAddress[],
      byStatus: { sent: 9, in_doubt: 1 },
    },
    inbox: { countsByRecipient: () => copies },
    recipients: readerAddresses(10),
    crashes: 1,
  };
}

describe('assertPromiseKept', () => {
  it('accepts a kept promise, whether or not recipients in doubt got a copy', () => {
    const judged = kept();
    expect(assertPromiseKept(judged)).toMatchObject({ received: 10, inDoubt: 1, mostInDoubt: 10 });
    judged.copies.delete(readerAddress(9));
    expect(assertPromiseKept(judged)).toMatchObject({ received: 9 });
  });

  it('rejects a second copy, and a third where a second is allowed', () => {
    const judged = kept();
    judged.copies.set(readerAddress(3), 2);
    expect(() => assertPromiseKept(judged)).toThrow('1 copies too many: reader3@');
    judged.mayHaveTwo = new Set([readerAddress(3)]);
    expect(assertPromiseKept(judged).duplicates).toEqual([]);
    judged.copies.set(readerAddress(3), 3);
    expect(() => assertPromiseKept(judged)).toThrow('1 copies too many: reader3@');
  });

  it('rejects a recipient recorded as sent without a copy', () => {
    const judged = kept();
    judged.copies.delete(readerAddress(3));
    expect(() => assertPromiseKept(judged)).toThrow('1 missing: reader3@');
  });

  it.each(['pending', 'sending', 'error'] as const)('rejects a recipient left as %s', (status) => {
    const judged = kept();
    judged.progress.recipients[3].status = status;
    expect(() => assertPromiseKept(judged)).toThrow('1 missing: reader3@');
  });

  it('rejects a recipient without a row, and one that was never on the list', () => {
    const judged = kept();
    judged.progress.recipients.splice(3, 1);
    expect(() => assertPromiseKept(judged)).toThrow(/1 missing: reader3@.*9 recipients are recorded/);
    const another = kept();
    another.copies.set('stranger@home.example', 1);
    expect(() => assertPromiseKept(another)).toThrow('1 received without record: stranger@');
  });

  it('rejects more recipients in doubt than so many crashes may leave', () => {
    expect(() => assertPromiseKept({ ...kept(), crashes: 0 })).toThrow('1 in doubt, 0 is the most');
  });

  it('rejects counters that do not add up, and a mailing that is not completed', () => {
    const wrong = kept();
    wrong.progress.mailing.numSent = 8;
    expect(() => assertPromiseKept(wrong)).toThrow('the rows 9/1/0/10');
    const open = kept();
    open.progress.mailing.status = 'in_progress';
    expect(() => assertPromiseKept(open)).toThrow('in_progress');
  });
});
