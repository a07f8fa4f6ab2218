import { Module } from '@nestjs/common';
import { NewsletterController } from './newsletter.controller.js';

/** `POST /newsletters` and `GET /newsletters/:id`; the plugin's providers come from the global `MailingModule`. */
@Module({ controllers: [NewsletterController] })
export class NewsletterModule {}
