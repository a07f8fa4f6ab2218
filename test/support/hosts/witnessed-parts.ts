import {
  type Dispatcher,
  type DispatcherContext,
  type MailingEventMap,
  type MailingTemplate,
  PollingDispatcher,
  type ProfileRepository,
  type Recipient,
  type RecipientProfile,
  type SuppressionList,
  type TemplateRenderer,
} from 'nestjs-mailing';
import {
  EMAIL_MESSAGE_SENDER,
  type EmailMessageSender,
} from '../../../libs/mailing/src/model/ports/email-message.sender.js';
import { ContextWitness } from './context-witness.js';
import type { MailingApp } from './mailing-app.js';

/** Records calls of the parts below; each test clears the records of the one before. */
export const witness = new ContextWitness();

export class Profiles implements ProfileRepository {
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    witness.note('findByIds');
    return new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
  }

  async setLastEmailed(): Promise<void> {
    witness.note('setLastEmailed');
  }

  async setEmailStatus(): Promise<void> {
    witness.note('setEmailStatus');
  }

  async setReceiveEmail(): Promise<void> {
    witness.note('setReceiveEmail');
  }
}

export class Suppressions implements SuppressionList {
  async findSuppressed(): Promise<Set<string>> {
    witness.note('findSuppressed');
    return new Set();
  }

  async suppress(): Promise<void> {
    witness.note('suppress');
  }

  async release(): Promise<void> {
    witness.note('release');
  }
}

export class Letters implements TemplateRenderer {
  async open(): Promise<MailingTemplate> {
    witness.note('open');
    return {
      content: {},
      render: () => {
        witness.note('render');
        return { subject: 'Hello', text: 'Hello' };
      },
    };
  }
}

export class SlotLetters extends Letters {
  override async open(): Promise<MailingTemplate> {
    const slots = [{ slot: 'promotion', templateUrl: 'letter.hbs' }];
    return { ...(await super.open()), slots };
  }
}

export class WitnessedDispatcher extends PollingDispatcher implements Dispatcher {
  override start(context: DispatcherContext): void {
    witness.note('start');
    super.start(context);
  }

  override announce(): void {
    witness.note('announce');
    super.announce();
  }

  override stop(): Promise<void> {
    witness.note('stop');
    return super.stop();
  }
}

/** Dispatches no batch by itself. */
export class IdleDispatcher implements Dispatcher {
  static context: DispatcherContext | null = null;

  start(context: DispatcherContext): void {
    IdleDispatcher.context = context;
  }

  announce(): void {}

  async stop(): Promise<void> {
    IdleDispatcher.context = null;
  }
}

/** Options of the application that record each statement, as a logger or a tracer of the host does. */
export const statements = {
  dataSource: {
    logger: {
      logQuery: (query: string) => query.includes('dps_') && witness.note('statements'),
      logQueryError: () => undefined,
      logQuerySlow: () => undefined,
      logSchemaBuild: () => undefined,
      logMigration: () => undefined,
      log: () => undefined,
    },
    logging: ['query'],
  },
};

/** Profiles and addresses in turn, `reader0` and so on. */
export async function* listed(count: number): AsyncGenerator<Recipient> {
  for (let n = 0; n < count; n++) {
    witness.note('list');
    await Promise.resolve();
    yield n % 2 === 0 ? { userId: `reader${n}` } : `reader${n}@home.example`;
  }
  witness.note('list');
}

export const EVENTS = [
  'run:started',
  'list:written',
  'mailing:command',
  'recipient:settled',
  'run:ended',
] as const;

export function listenTo(app: MailingApp, names: readonly (keyof MailingEventMap)[]): void {
  for (const name of names) app.events.on(name, () => witness.note(name));
}

export function senderOf(app: MailingApp): EmailMessageSender {
  return app.nest.get<EmailMessageSender>(EMAIL_MESSAGE_SENDER, { strict: false });
}

export function witnessSender(app: MailingApp): void {
  const sender = senderOf(app);
  sender.send = witness.noting('send', sender.send.bind(sender));
}

/** Functions of the host that a run calls. None of them may see the storage of a caller. */
export const BACKGROUND = {
  findByIds: 'nothing',
  findSuppressed: 'nothing',
  setLastEmailed: 'nothing',
  setEmailStatus: 'nothing',
  normalizer: 'nothing',
  send: 'nothing',
  statements: 'nothing',
  'unsubscribe.url': 'nothing',
  'run:started': 'nothing',
  'recipient:settled': 'nothing',
  'run:ended': 'nothing',
};
