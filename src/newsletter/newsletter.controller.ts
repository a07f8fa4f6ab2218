import { rm } from 'node:fs/promises';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  UploadedFile,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { FileInterceptor } from '@nestjs/platform-express';
import { MailingQuery, type MailingResult, type Recipients, TemplateEmailSender } from 'nestjs-mailing';
import { readCsvRecipients } from './csv-recipients.js';
import { MailingErrorFilter } from './mailing-error.filter.js';
import { parseNewsletter, parseNewsletterForm, toInfo } from './newsletter.request.js';
import { UploadLimitFilter } from './upload-limit.filter.js';
import { UPLOAD_LIMITS, type UploadLimits } from './upload.limits.js';

/** The file that the form parser leaves in the temporary folder. */
interface UploadedCsv {
  path: string;
}

/** The answer to a caller once the newsletter is safe. */
interface AcceptedNewsletter {
  id: string | null;
  numProfiles: number | null;
  numDuplicates: number | null;
}

/** Newsletters: stored before the answer, sent afterwards. */
@Controller('newsletters')
@UseFilters(MailingErrorFilter, UploadLimitFilter)
export class NewsletterController {
  constructor(
    private readonly sender: TemplateEmailSender,
    private readonly mailings: MailingQuery,
    @Inject(UPLOAD_LIMITS) private readonly limits: UploadLimits,
  ) {}

  /**
   * Accepts JSON with `recipients`, or a form with the recipients as a CSV file in the field `recipients`, within the limits of `upload.limits`. A
   * repeated `Idempotency-Key` header returns the same newsletter and sends nothing more.
   */
  @Post()
  @HttpCode(202)
  @UseInterceptors(FileInterceptor('recipients'))
  async send(
    @Body() body: unknown,
    @UploadedFile() file?: UploadedCsv,
    @Headers('idempotency-key') key?: string,
  ): Promise<AcceptedNewsletter> {
    if (!file) {
      const request = parseNewsletter(body);
      return this.#accept(request, request.recipients, key);
    }
    try {
      return await this.#accept(
        parseNewsletterForm({ ...(body as object) }),
        readCsvRecipients(file.path, this.limits.maxRows),
        key,
      );
    } finally {
      await rm(file.path, { force: true });
    }
  }

  @Get(':id')
  async status(@Param('id') id: string): Promise<MailingResult> {
    const mailing = await this.mailings.get(id);
    if (!mailing) throw new NotFoundException(`There is no newsletter ${id}.`);
    return mailing;
  }

  async #accept(
    request: Parameters<typeof toInfo>[0],
    recipients: Recipients,
    idempotencyKey?: string,
  ): Promise<AcceptedNewsletter> {
    if (request.text.trim() === '') throw new BadRequestException('text: a newsletter needs a text');
    const options = { persist: true, idempotencyKey };
    const { mailingId, numProfiles, numDuplicates } = await this.sender.sendEmailMessage(
      toInfo(request),
      recipients,
      options,
    );
    return { id: mailingId, numProfiles, numDuplicates };
  }
}
