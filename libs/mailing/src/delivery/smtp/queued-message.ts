import type { Begin, HandOver } from '../transport/email-message.sender.js';
import type { WireContent } from '../mime/wire-content.js';
import type { SmtpFeatures } from './smtp.connector.js';

/** One message on its way through a session. */
export interface QueuedMessage {
  from: string;
  /** The first one is the recipient's own; the others get a copy. */
  to: string[];
  /** RFC 6531: an address is not ASCII. */
  needsUtf8: boolean;
  /** @throws what makes it impossible to write it down. */
  contentFor: (features: SmtpFeatures) => WireContent;
  begin: Begin;
  answer: (handOver: HandOver) => void;
  /** It was given back by a session that had been used before and broke before the body; once is enough. */
  isSecondTry: boolean;
}
