import {
  Controller,
  Get,
  HttpCode,
  Param,
  ParseEnumPipe,
  ParseIntPipe,
  Post,
  Query,
  UseFilters,
} from '@nestjs/common';
import { MailingQuery, type MailingStatus, type RecipientRecord, TemplateEmailSender } from 'nestjs-mailing';
import { MailingErrorFilter } from './mailing-error.filter.js';

const RETRYABLE = { errors: 'errors', in_doubt: 'in_doubt', skipped: 'skipped' } as const;
const OUTCOME = { sent: 'sent', error: 'error' } as const;
const optional = { optional: true };

/** Commands for a newsletter, and the list of its recipients. */
@Controller('newsletters/:id')
@UseFilters(MailingErrorFilter)
export class NewsletterCommandsController {
  constructor(
    private readonly sender: TemplateEmailSender,
    private readonly mailings: MailingQuery,
  ) {}

  @Post('pause')
  @HttpCode(200)
  async pause(@Param('id') id: string): Promise<{ status: MailingStatus }> {
    return { status: await this.sender.pause(id) };
  }

  @Post('resume')
  @HttpCode(200)
  async resume(@Param('id') id: string): Promise<{ status: MailingStatus }> {
    return { status: await this.sender.resume(id) };
  }

  @Post('cancel')
  @HttpCode(200)
  async cancel(@Param('id') id: string): Promise<{ status: MailingStatus }> {
    return { status: await this.sender.cancel(id) };
  }

  /** `?which=errors` or `?which=in_doubt`. */
  @Post('retry')
  @HttpCode(200)
  async retry(
    @Param('id') id: string,
    @Query('which', new ParseEnumPipe(RETRYABLE)) which: keyof typeof RETRYABLE,
  ): Promise<{ count: number }> {
    return { count: await this.sender.retry(id, which) };
  }

  /** `?as=sent` or `?as=error`. */
  @Post('settle-in-doubt')
  @HttpCode(200)
  async settleInDoubt(
    @Param('id') id: string,
    @Query('as', new ParseEnumPipe(OUTCOME)) as: 'sent' | 'error',
  ): Promise<{ count: number }> {
    return { count: await this.sender.settleInDoubt(id, as) };
  }

  /** `?status=in_doubt`, and `&afterIdx=` for the next page. */
  @Get('recipients')
  recipients(
    @Param('id') id: string,
    @Query('status') status?: RecipientRecord['status'],
    @Query('afterIdx', new ParseIntPipe(optional)) afterIdx?: number,
  ): Promise<RecipientRecord[]> {
    return this.mailings.recipients(id, { status, afterIdx });
  }
}
