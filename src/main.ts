import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { readConfiguration } from './configuration/host-configuration.js';
import { reportToParent } from './report-to-parent.js';

const configuration = readConfiguration(process.env);
const app = await NestFactory.create(AppModule.with(configuration), {
  logger: ['log', 'warn', 'error', 'fatal'],
});
// With these hooks SIGTERM ends the service in an orderly way: messages in flight are finished and recorded.
app.enableShutdownHooks();
reportToParent(app);
await app.listen(configuration.PORT, '127.0.0.1');
process.send?.({ name: 'listening', facts: { url: await app.getUrl() } });
