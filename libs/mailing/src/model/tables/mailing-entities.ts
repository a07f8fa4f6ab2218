import { EmailAddress } from './email-address.entity.js';
import { MailAddressClaim } from './mail-address-claim.entity.js';
import { MailAttachment } from './mail-attachment.entity.js';
import { MailBatch } from './mail-batch.entity.js';
import { MailDeferred } from './mail-deferred.entity.js';
import { MailServer } from './mail-server.entity.js';
import { MailSuppression } from './mail-suppression.entity.js';
import { MailTemplate } from './mail-template.entity.js';
import { MailSlot } from './mail-slot.entity.js';
import { MailTrackdata } from './mail-trackdata.entity.js';
import { Mailing } from './mailing.entity.js';
import { UserMailing } from './user-mailing.entity.js';

/**
 * The entities of the plugin, for hosts that list their entities by hand instead of setting `autoLoadEntities`.
 *
 * @example
 * ```ts
 * TypeOrmModule.forRoot({ type: 'mariadb', url, entities: [Customer, ...mailingEntities] });
 * ```
 */
export const mailingEntities = [
  Mailing,
  UserMailing,
  EmailAddress,
  MailServer,
  MailTrackdata,
  MailDeferred,
  MailBatch,
  MailAddressClaim,
  MailSuppression,
  MailTemplate,
  MailAttachment,
  MailSlot,
];
