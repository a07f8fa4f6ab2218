import { Controller, HttpCode, Post, UseFilters } from '@nestjs/common';
import { type ResumeReport, TemplateEmailRestarter } from 'nestjs-mailing';
import { MailingErrorFilter } from './mailing-error.filter.js';

/** The command for a service that was started with `MAILING_RESUME=manual`. */
@Controller('resume')
@UseFilters(MailingErrorFilter)
export class ResumeController {
  constructor(private readonly restarter: TemplateEmailRestarter) {}

  /** Resumes all mailings that were in the database at the start. */
  @Post()
  @HttpCode(200)
  resume(): Promise<ResumeReport> {
    return this.restarter.resume();
  }
}
