import type { Begin, HandOver } from '../../model/ports/email-message.sender.js';
import type { WireContent } from '../mime/wire-content.js';
import type { SmtpFeatures } from './smtp.connector.js';

/** One message that a session sends, or that waits for one. */
export interface QueuedMessage {
  from: string;
  /** The first address is the recipient's own; the others get a copy. */
  to: string[];
  /** RFC 6531: an address is not ASCII. */
  needsUtf8: boolean;
  /** @throws if the message can't be encoded. */
  contentFor: (features: SmtpFeatures) => WireContent;
  begin: Begin;
  answer: (handOver: HandOver) => void;
  /** A session that had worked before broke before this message's body, and returned it. A message is returned at most once. */
  isSecondTry: boolean;
}
