import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.js';

/** Clusters of databases, which take minutes: they are no part of `npm test`. They start their own servers, and need no others. */
export default defineConfig({
  ...shared,
  test: {
    include: ['test/clusters/**/*.cluster.spec.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
