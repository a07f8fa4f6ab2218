import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.js';

/** Applications that install the package, each a minute or so: they are no part of `npm test`. MAILING_TEST_HOSTS=all runs every one. */
export default defineConfig({
  ...shared,
  test: {
    include: ['test/hosts/**/*.spec.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
