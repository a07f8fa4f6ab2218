import { type ArgumentsHost, Catch, type ExceptionFilter, HttpStatus } from '@nestjs/common';
import {
  MailingEndedError,
  MailingError,
  MailingUnknownError,
  RecipientListError,
  ServerStandingByError,
  ServerStoppingError,
} from 'nestjs-mailing';

/** Refusals of the plugin are answers, not accidents: what is wrong with the request is the caller's to know. */
@Catch(MailingError)
export class MailingErrorFilter implements ExceptionFilter<MailingError> {
  catch(error: MailingError, host: ArgumentsHost): void {
    const status = statusOf(error);
    const mailingId = error instanceof RecipientListError ? error.mailingId : undefined;
    host
      .switchToHttp()
      .getResponse<{ status(code: number): { json(body: unknown): void } }>()
      .status(status)
      .json({ statusCode: status, code: error.code, message: error.message, mailingId });
  }
}

function statusOf(error: MailingError): HttpStatus {
  const isBusy = error instanceof ServerStoppingError || error instanceof ServerStandingByError;
  if (isBusy) return HttpStatus.SERVICE_UNAVAILABLE;
  if (error instanceof MailingUnknownError) return HttpStatus.NOT_FOUND;
  return error instanceof MailingEndedError ? HttpStatus.CONFLICT : HttpStatus.BAD_REQUEST;
}
