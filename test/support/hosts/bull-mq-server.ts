import { Queue } from 'bullmq';
import { BullMqDispatcher } from '../../../libs/bullmq/src/bull-mq.dispatcher.js';
import {
  type MailingBullMqOptions,
  toMailingBullMqSettings,
} from '../../../libs/bullmq/src/mailing-bull-mq.options.js';
import { promptConnection } from '../../../libs/bullmq/src/redis-connections.js';

/** A dispatcher whose queue has a connection of its own, as `MailingBullMqModule` makes it in each process. */
export function bullMqServer(options: MailingBullMqOptions): BullMqDispatcher {
  const settings = toMailingBullMqSettings(options);
  const { queueName, prefix, connection } = settings;
  return new BullMqDispatcher(
    new Queue(queueName, { prefix, connection: promptConnection(connection) }),
    settings,
  );
}
