import { type ArgumentsHost, Catch, type ExceptionFilter, HttpStatus } from '@nestjs/common';
import { MailingError, RecipientListError, ServerStandingByError, ServerStoppingError } from 'nestjs-mailing';

/** Refusals of the plugin are answers, not accidents: what is wrong with the request is the caller's to know. */
@Catch(MailingError)
export class MailingErrorFilter implements ExceptionFilter<MailingError> {
  catch(error: MailingError, host: ArgumentsHost): void {
    const busy = error instanceof ServerStoppingError || error instanceof ServerStandingByError;
    const status = busy ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.BAD_REQUEST;
    const mailingId = error instanceof RecipientListError ? error.mailingId : undefined;
    host
      .switchToHttp()
      .getResponse<{ status(code: number): { json(body: unknown): void } }>()
      .status(status)
      .json({ statusCode: status, code: error.code, message: error.message, mailingId });
  }
}
