import { cutText } from './bounded-text.js';
import { toOneLine } from './email-address.js';

/** Characters that are looked at. */
const MAX_READ = 4_096;
/** Characters of what comes out. */
const MAX_PUBLIC_TEXT = 500;

/** Whatever stands around an `@`, a quoted local part included. The bound keeps the search linear. */
const ADDRESS = /(?:"[^"\n]{1,256}"|[^\s@<>"]{1,256})@[^\s@<>"]{1,255}/g;

/**
 * A text of others (a mail server, a database, a function of the host), as it may leave the plugin in an event, a log line or a
 * report: one line without controls, of at most 500 characters, and without addresses, which such texts like to quote.
 */
export function toPublicText(text: string): string {
  const read = toOneLine(cutText(text, MAX_READ));
  return cutText(read.replace(ADDRESS, '(an address)'), MAX_PUBLIC_TEXT);
}
