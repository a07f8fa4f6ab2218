import {
  MailingDelivery,
  type MailingDeliveryParts,
} from '../../libs/mailing/src/delivery/mailing.delivery.js';
import type { MailingTemplate } from '../../libs/mailing/src/model/ports/template.renderer.js';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';

/** A delivery of one mailing, `Hello`, that asks no gate and no profile, and whose messages are all accepted, except for the given parts. */
export function bareDelivery(
  parts: Partial<MailingDeliveryParts>,
  render: MailingTemplate['render'] = () => ({ subject: 'Hello', text: 'Hello' }),
): MailingDelivery {
  return new MailingDelivery(
    '0197-mailing',
    { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' },
    { content: {}, render },
    {
      sender: { send: () => Promise.resolve({ kind: 'accepted' }), probe: () => Promise.resolve(null) },
      profiles: null,
      gates: [],
      fatigue: null,
      links: null,
      slots: null,
      processing: null,
      debugHeaders: {},
      messageTimeoutMs: 1_000,
      hostCallTimeoutMs: 1_000,
      faultPoints: noFaultPoints,
      ...parts,
    },
  );
}
