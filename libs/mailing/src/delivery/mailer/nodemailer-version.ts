import SmtpConnection from 'nodemailer/lib/smtp-connection';
import { NodemailerVersionError } from '../../model/options/setup.errors.js';

/** Since this version, a message whose deadline has passed can be taken back from the transport. */
const OLDEST = [10, 5, 0];

/**
 * Checks the installed nodemailer; a package manager may have been told to ignore the range of peers.
 *
 * @throws NodemailerVersionError if it is older than 10.5.0.
 */
export function checkNodemailer(version = new SmtpConnection({}).version): void {
  const numbers = version.split('.').map((part) => Number.parseInt(part, 10));
  const differs = OLDEST.findIndex((number, n) => numbers[n] !== number);
  if (differs >= 0 && !(numbers[differs] > OLDEST[differs]))
    throw new NodemailerVersionError(version, OLDEST.join('.'));
}
