// The service of src/ as its main file starts it, but for one thing: shutdown hooks are not enabled, so SIGTERM ends it
// in the middle of its work.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../../dist/src/app.module.js';
import { readConfiguration } from '../../../dist/src/configuration/host-configuration.js';
import { reportToParent } from '../../../dist/src/report-to-parent.js';

const app = await NestFactory.create(AppModule.with(readConfiguration(process.env)), { logger: ['error'] });
reportToParent(app);
await app.listen(0, '127.0.0.1');
process.send?.({ name: 'listening', facts: { url: await app.getUrl() } });
