import type { Begin, HandOver } from '../transport/email-message.sender.js';
import type { ParcelContent } from '../mime/parcel-content.js';
import type { SmtpFeatures } from './smtp.door.js';

/** One message on its way through a session. */
export interface Parcel {
  from: string;
  /** The first one is the recipient's own; the others get a copy. */
  to: string[];
  /** RFC 6531: an address is not ASCII. */
  needsUtf8: boolean;
  /** @throws what makes it impossible to write it down. */
  contentFor: (features: SmtpFeatures) => ParcelContent;
  begin: Begin;
  answer: (handOver: HandOver) => void;
  /** It was given back by a session that had been used before and broke before the body; once is enough. */
  isSecondTry: boolean;
}
