// The service of src/ as its main file starts it, but for one thing: shutdown hooks are not enabled, so SIGTERM ends it
// in the middle of its work.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';

const built = (file) => import(new URL(`../../../dist/src/${file}`, import.meta.url).href);
const [{ AppModule }, { readConfiguration }, { reportToParent }] = await Promise.all([
  built('app.module.js'),
  built('configuration/host-configuration.js'),
  built('report-to-parent.js'),
]);

const app = await NestFactory.create(AppModule.with(readConfiguration(process.env)), { logger: ['error'] });
reportToParent(app);
await app.listen(0, '127.0.0.1');
process.send?.({ name: 'listening', facts: { url: await app.getUrl() } });
