import { type ArgumentsHost, Catch, type ExceptionFilter, HttpStatus, Logger } from '@nestjs/common';
import {
  InvalidArgumentError,
  MailingEndedError,
  MailingError,
  MailingNotFoundError,
  RecipientListError,
  ServerStandbyError,
  ServerShuttingDownError,
  TemplateEmailRequestError,
  TemplateEncodingError,
  TemplateFrontMatterError,
  TemplateMissingError,
  TemplateNotCompilingError,
  TemplateNotStoredError,
  TemplateOutsideFolderError,
} from 'nestjs-mailing';
import { CsvFileError } from './csv-file.error.js';

/** Errors of the service's own templates; their messages name its folders. */
const FAULTS_OF_THE_SERVICE = [
  TemplateEncodingError,
  TemplateFrontMatterError,
  TemplateMissingError,
  TemplateNotStoredError,
  TemplateOutsideFolderError,
];

/**
 * Answers refusals of the plugin as client errors: the caller may know what is wrong with the request.
 *
 * Every other error is 500 without its text, which may hold SQL, a path or the answer of another server. The log has the text.
 */
@Catch(MailingError)
export class MailingErrorFilter implements ExceptionFilter<MailingError> {
  readonly #logger = new Logger(MailingErrorFilter.name);

  catch(error: MailingError, host: ArgumentsHost): void {
    const status = statusOf(error);
    const isOurs = status === HttpStatus.INTERNAL_SERVER_ERROR;
    if (isOurs) this.#logger.error(error);
    const mailingId = error instanceof RecipientListError ? error.mailingId : undefined;
    const message = isOurs ? 'Internal server error' : error.message;
    host
      .switchToHttp()
      .getResponse<{ status(code: number): { json(body: unknown): void } }>()
      .status(status)
      .json({ statusCode: status, code: error.code, message, mailingId });
  }
}

function statusOf(error: MailingError): HttpStatus {
  const isBusy = error instanceof ServerShuttingDownError || error instanceof ServerStandbyError;
  if (isBusy) return HttpStatus.SERVICE_UNAVAILABLE;
  if (error instanceof MailingNotFoundError) return HttpStatus.NOT_FOUND;
  if (error instanceof MailingEndedError) return HttpStatus.CONFLICT;
  return isOfTheRequest(error) ? HttpStatus.BAD_REQUEST : HttpStatus.INTERNAL_SERVER_ERROR;
}

function isOfTheRequest(error: MailingError): boolean {
  if (error instanceof RecipientListError) return error.cause instanceof CsvFileError;
  // Of the templates that may not compile, only the subject is the caller's.
  if (error instanceof TemplateNotCompilingError) return error.templateUrl === 'subject';
  if (FAULTS_OF_THE_SERVICE.some((kind) => error instanceof kind)) return false;
  return error instanceof TemplateEmailRequestError || error instanceof InvalidArgumentError;
}
