import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  Inject,
  PayloadTooLargeException,
} from '@nestjs/common';
import { UPLOAD_LIMITS, type UploadLimits } from './upload.limits.js';

/** Adds the limit to the error: the form parser only reports that a file was too large. */
@Catch(PayloadTooLargeException)
export class UploadLimitFilter implements ExceptionFilter<PayloadTooLargeException> {
  constructor(@Inject(UPLOAD_LIMITS) private readonly limits: UploadLimits) {}

  catch(error: PayloadTooLargeException, host: ArgumentsHost): void {
    const statusCode = error.getStatus();
    const message = `The file has more than ${this.limits.maxBytes} bytes. Send the list in parts.`;
    host
      .switchToHttp()
      .getResponse<{ status(code: number): { json(body: unknown): void } }>()
      .status(statusCode)
      .json({ statusCode, message });
  }
}
