import { NodemailerVersionError } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { checkNodemailer } from '../../libs/mailing/src/delivery/mailer/nodemailer-version.js';

describe('the version of nodemailer', () => {
  it.each(['7.0.13', '8.0.11', '9.1.1', '10.0.16', '10.4.0', '10.4.9-rc.1', 'unknown'])(
    '%s is refused, with the command that upgrades it',
    (version) => {
      expect(() => checkNodemailer(version)).toThrow(
        `expected nodemailer 10.5.0 or later, got ${version}. Run "npm install nodemailer@^10.5.0" and start again.`,
      );
      expect(() => checkNodemailer(version)).toThrow(NodemailerVersionError);
    },
  );

  it.each(['10.5.0', '10.5.1', '10.6.1', '10.10.0', '11.0.0'])('%s is new enough', (version) => {
    expect(() => checkNodemailer(version)).not.toThrow();
  });

  it('that is installed here is new enough', () => {
    expect(() => checkNodemailer()).not.toThrow();
  });
});
