import { Module } from '@nestjs/common';
import { NewsletterOrdersController } from './newsletter-orders.controller.js';
import { NewsletterController } from './newsletter.controller.js';

/** `POST /newsletters`, `GET /newsletters/:id` and what an operator asks of it; the plugin's providers come from the global `MailingModule`. */
@Module({ controllers: [NewsletterController, NewsletterOrdersController] })
export class NewsletterModule {}
