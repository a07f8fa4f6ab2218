import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: {
      // The package by its own name, from its sources; in the build, the exports of package.json do the same.
      // The longer name comes first, because the first one that fits is taken.
      'nestjs-mailing/bullmq': fileURLToPath(new URL('./libs/bullmq/src/index.ts', import.meta.url)),
      'nestjs-mailing/ldap': fileURLToPath(new URL('./libs/ldap/src/index.ts', import.meta.url)),
      'nestjs-mailing/unsubscribe': fileURLToPath(
        new URL('./libs/unsubscribe/src/index.ts', import.meta.url),
      ),
      'nestjs-mailing/scenarios': fileURLToPath(new URL('./libs/scenarios/src/index.ts', import.meta.url)),
      'nestjs-mailing': fileURLToPath(new URL('./libs/mailing/src/index.ts', import.meta.url)),
    },
  },
  // Node 20 does not know "await using".
  oxc: { target: 'node20' },
  test: {
    include: ['test/**/*.spec.ts', 'libs/**/*.spec.ts', 'src/**/*.spec.ts'],
    // vitest.clusters.config.ts runs these.
    exclude: [...configDefaults.exclude, 'test/clusters/*.cluster.spec.ts'],
    globalSetup: './test/support/global-setup.ts',
    pool: 'forks',
    // Most tests wait for processes, servers and back-offs; Vitest's default on two cores is one file at a time.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
