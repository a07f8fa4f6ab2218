// The newsletter service under Node's cluster: a primary, and workers that all have the configuration of the primary.
// Reports of a worker are passed on with its pid; the message "health" is answered by every worker.
import cluster from 'node:cluster';

const WORKERS = 4;

if (cluster.isPrimary) {
  for (let n = 0; n < WORKERS; n++) cluster.fork();
  cluster.on('message', (worker, report) => process.send?.({ pid: worker.process.pid, ...report }));
  process.on('message', (question) => {
    for (const worker of Object.values(cluster.workers)) worker.send(question);
  });
} else {
  await import('reflect-metadata');
  const { NestFactory } = await import('@nestjs/core');
  const { MailingHealth } = await import('../../../dist/libs/mailing/src/index.js');
  const { AppModule } = await import('../../../dist/src/app.module.js');
  const { readConfiguration } = await import('../../../dist/src/configuration/host-configuration.js');
  const { reportToParent } = await import('../../../dist/src/report-to-parent.js');

  const app = await NestFactory.create(AppModule.with(readConfiguration(process.env)), { logger: ['error'] });
  app.enableShutdownHooks();
  reportToParent(app);
  process.on('message', async () => {
    const facts = await app.get(MailingHealth).check();
    if (process.connected) process.send({ name: 'health', facts });
  });
  await app.listen(0, '127.0.0.1');
  process.send({ name: 'listening', facts: {} });
}
