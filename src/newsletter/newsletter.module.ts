import { type DynamicModule, Module } from '@nestjs/common';
import { MulterModule } from '@nestjs/platform-express';
import { NewsletterCommandsController } from './newsletter-commands.controller.js';
import { NewsletterController } from './newsletter.controller.js';
import { ResumeController } from './resume.controller.js';
import { formOptions, UPLOAD_LIMITS, type UploadLimits } from './upload.limits.js';

/**
 * `POST /newsletters`, `GET /newsletters/:id`, the commands of an operator, and `POST /resume`. The plugin's providers come from the global
 * `MailingModule`.
 */
@Module({})
export class NewsletterModule {
  static with(limits: UploadLimits): DynamicModule {
    return {
      module: NewsletterModule,
      imports: [MulterModule.register(formOptions(limits))],
      controllers: [NewsletterController, NewsletterCommandsController, ResumeController],
      providers: [{ provide: UPLOAD_LIMITS, useValue: limits }],
    };
  }
}
