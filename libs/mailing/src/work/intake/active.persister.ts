import type { EntityManager } from 'typeorm';
import { askHost, askHostUntimed, HostAnswerError } from '../../model/host-calls/host-call.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type {
  HostTransaction,
  ListCut,
  MailingPersister,
  MailingTerms,
  NumberedRecipient,
  StoredMailing,
  WrittenChunk,
} from '../../model/ports/mailing.persister.js';
import { isPlainObject, kindOf } from '../../model/values/value-kind.js';
import type { TemplateEmailPersister } from '../../store/intake/template-email.persister.js';

const METHODS = [
  'inside',
  'createMailing',
  'writeChunk',
  'finishList',
  'failList',
  'releaseKey',
  'readMailing',
  'pausePending',
] as const satisfies readonly (keyof MailingPersister)[];

/**
 * The persister in use: the plugin's own, or the host's, which is found only once the application is assembled.
 *
 * Writes have no deadline: after one, a write could still be under way and be repeated. A mailing that is read has one, so that it does not keep its
 * place among `run.maxConcurrentMailings` for ever.
 */
export class ActivePersister implements MailingPersister {
  #host: MailingPersister | null = null;

  constructor(
    private readonly stored: TemplateEmailPersister,
    private readonly timeoutMs: number,
  ) {}

  /**
   * Called once, while the module is initialized.
   *
   * @throws HostAnswerError if it is no persister.
   */
  use(host: MailingPersister): void {
    for (const name of METHODS)
      if (typeof host?.[name] !== 'function')
        throw new HostAnswerError(
          'templateEmailPersister',
          `a persister with a function ${name}`,
          kindOf(host),
        );
    this.#host = host;
  }

  get rowsPerChunk(): number {
    return this.stored.rowsPerChunk;
  }

  inside<T>(manager: EntityManager, job: (transaction: HostTransaction) => Promise<T>): Promise<T> {
    return this.#write((persister) => persister.inside(manager, job));
  }

  async createMailing(
    info: TemplateEmailInfo,
    uniqServerId: string,
    claimToken: string,
    terms: MailingTerms,
    content: Record<string, string> | null,
    transaction: HostTransaction | null,
  ): Promise<string | null> {
    const created = await this.#write((persister) =>
      persister.createMailing(info, uniqServerId, claimToken, terms, content, transaction),
    );
    return answered('createMailing', 'the id of the mailing, or null', created, isIdOrNull);
  }

  async writeChunk(
    mailingId: string,
    claimToken: string,
    recipients: NumberedRecipient[],
    cut: ListCut | null,
    transaction: HostTransaction | null,
  ): Promise<WrittenChunk | null> {
    const written = await this.#write((persister) =>
      persister.writeChunk(mailingId, claimToken, recipients, cut, transaction),
    );
    return answered('writeChunk', 'numWritten and numRefused, or null', written, isChunkOrNull);
  }

  async finishList(
    mailingId: string,
    claimToken: string,
    numProfiles: number,
    cut: ListCut | null,
    transaction: HostTransaction | null,
  ): Promise<boolean> {
    const finished = await this.#write((persister) =>
      persister.finishList(mailingId, claimToken, numProfiles, cut, transaction),
    );
    return answered('finishList', 'true or false', finished, isBoolean);
  }

  async failList(mailingId: string, claimToken: string, reason: string): Promise<boolean> {
    const failed = await this.#write((persister) => persister.failList(mailingId, claimToken, reason));
    return answered('failList', 'true or false', failed, isBoolean);
  }

  releaseKey(mailingId: string, transaction: HostTransaction | null = null): Promise<void> {
    return this.#write((persister) => persister.releaseKey(mailingId, transaction));
  }

  /** @throws HostSilentError if the host's persister does not answer in time; errors of the persister. */
  async readMailing(mailingId: string): Promise<StoredMailing | null> {
    const host = this.#host;
    if (!host) return this.stored.readMailing(mailingId);
    const terms = { call: 'MailingPersister.readMailing', timeoutMs: this.timeoutMs };
    const mailing = await askHost(terms, () => host.readMailing(mailingId));
    const isIt = (answer: unknown): boolean => answer === null || isMailing(answer, mailingId);
    return answered('readMailing', 'the whole mailing that was asked for, or null', mailing, isIt);
  }

  async pausePending(mailingId: string, reason: string): Promise<boolean> {
    const paused = await this.#write((persister) => persister.pausePending(mailingId, reason));
    return answered('pausePending', 'true or false', paused, isBoolean);
  }

  #write<T>(call: (persister: MailingPersister) => Promise<T>): Promise<T> {
    const host = this.#host;
    return host ? askHostUntimed(() => call(host)) : call(this.stored);
  }
}

/** @throws HostAnswerError if a persister of the host answers something else. */
function answered<T>(method: string, expected: string, answer: T, isIt: (answer: unknown) => boolean): T {
  if (isIt(answer)) return answer;
  throw new HostAnswerError(`MailingPersister.${method}`, expected, kindOf(answer));
}

function isBoolean(answer: unknown): boolean {
  return typeof answer === 'boolean';
}

function isIdOrNull(answer: unknown): boolean {
  return answer === null || (typeof answer === 'string' && answer !== '');
}

function isChunkOrNull(answer: unknown): boolean {
  if (answer === null) return true;
  const { numWritten, numRefused } = (answer ?? {}) as Partial<WrittenChunk>;
  return [numWritten, numRefused].every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
}

function isMailing(answer: unknown, mailingId: string): boolean {
  const {
    mailingId: found,
    info,
    content,
    attachmentGone,
    unreadable,
    numProfiles,
  } = (answer ?? {}) as Partial<StoredMailing>;
  return (
    found === mailingId &&
    isPlainObject(info) &&
    (content === null || isPlainObject(content)) &&
    (attachmentGone === null || typeof attachmentGone?.reason === 'string') &&
    (unreadable === null || typeof unreadable === 'string') &&
    Number.isSafeInteger(numProfiles)
  );
}
