import { Injectable } from '@nestjs/common';
import type { ProfileRepository, Recipient, RecipientProfile } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { freshDatabase } from '../../support/databases/fresh-database.js';
import { mailingApp } from '../../support/hosts/mailing-app.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello {{name}}', from: 'news@shop.example' };

const PROFILES: Record<string, RecipientProfile> = {
  ann: { email: 'ann@home.example', name: 'Ann' },
  Ann: { email: 'other.ann@home.example', name: 'Another Ann' },
  bounced: { email: 'bounced@home.example', emailStatus: 'invalid' },
  quiet: { email: 'quiet@home.example', receiveEmail: false },
  homeless: { email: null },
  'uid=zoë,ou=people,o=shop': { email: 'zoe@home.example', name: 'Zoë' },
};

@Injectable()
class Profiles implements ProfileRepository {
  static queries = 0;

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    Profiles.queries++;
    return new Map(ids.flatMap((id) => (PROFILES[id] ? [[id, PROFILES[id]] as const] : [])));
  }
}

forEachDatabase('profiles', (kind) => {
  it('are numbered together with addresses, looked up once a commit, and skipped for their flags', async () => {
    const database = await freshDatabase(kind);
    const inbox = await SmtpInbox.start();
    const app = await mailingApp({
      databaseUrl: database.url,
      smtpUrl: inbox.url,
      mailing: { profileRepository: Profiles, run: { concurrency: 10, maxInDoubt: 50 } },
    });
    try {
      Profiles.queries = 0;
      const list: Recipient[] = [
        'first@home.example',
        ...[...Object.keys(PROFILES), 'nobody', 'ann'].map((userId) => ({ userId })),
        'last@home.example',
      ];
      const { completed, mailingId, numDuplicates } = await app.sender.sendEmailMessage(
        INFO,
        list,
        true,
        true,
      );
      expect(numDuplicates).toBe(1);
      expect(await completed).toMatchObject({
        status: 'completed',
        numProfiles: 9,
        numSent: 5,
        numSkipped: 4,
      });
      const progress = await readProgress(database.dataSource, mailingId as string);
      assertProgressAddsUp(progress);
      const reasons = progress.recipients.map(({ status, errorCode }) => errorCode ?? status);
      expect(reasons).toEqual([
        'sent',
        'sent',
        'sent',
        'email_status_invalid',
        'opted_out',
        'no_address',
        'sent',
        'no_profile',
        'sent',
      ]);
      expect(Profiles.queries).toBe(1);
      expect([...inbox.countsByRecipient().keys()].sort()).toEqual(
        ['ann', 'first', 'last', 'other.ann', 'zoe'].map((name) => `${name}@home.example`),
      );
    } finally {
      await app.close();
      await inbox.close();
      await database.dispose();
    }
  });
});

/** The host's own profiles, which can not be read until `isAway` is false. */
@Injectable()
class ProfilesAway implements ProfileRepository {
  static isAway = true;

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    if (ProfilesAway.isAway) throw new Error('the directory does not answer');
    return new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
  }
}

forEachDatabase('profiles that can not be read', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('fail no recipient: the mailing is paused with the reason, and an operator resumes it', async () => {
    ProfilesAway.isAway = true;
    const run = { transportOutageTimeoutMs: 0 };
    const app = await rig.boot({ profileRepository: ProfilesAway, run });
    const list = ['ann', 'bob', 'zoe'].map((userId) => ({ userId }));
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    const id = mailingId as string;
    expect((await rig.reached(id, 'paused')).statusReason).toBe('profiles: the directory does not answer');
    ProfilesAway.isAway = false;
    // The mail server answers, which says nothing about the profile repository.
    await app.restarter.sweep();
    const { mailing, byStatus } = await rig.progress(id);
    expect([mailing.status, byStatus]).toEqual(['paused', { pending: 3 }]);
    await app.sender.resume(id);
    expect(await rig.reached(id, 'completed')).toMatchObject({ numSent: 3 });
  });
});
