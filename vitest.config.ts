import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/** The package by its own name, from its sources; in the build, the exports of package.json do the same. */
const source = (part: string): string =>
  fileURLToPath(new URL(`./libs/${part}/src/index.ts`, import.meta.url));

const UNIT = 'test/**/*.unit.spec.ts';
const SERVERS = 'test/**/*.servers.spec.ts';
const PROCESS = 'test/**/*.process.spec.ts';
const PACKAGE = 'test/package/**/*.spec.ts';
const EXHAUSTIVE = 'test/**/*.exhaustive.spec.ts';
/** vitest.clusters.config.ts runs these. */
const CLUSTERS = 'test/clusters/**/*.cluster.spec.ts';

export const shared = {
  resolve: {
    alias: {
      // The longer name comes first, because the first one that fits is taken.
      'nestjs-mailing/bullmq': source('bullmq'),
      'nestjs-mailing/ldap': source('ldap'),
      'nestjs-mailing/unsubscribe': source('unsubscribe'),
      'nestjs-mailing/scenarios': source('scenarios'),
      'nestjs-mailing': source('mailing'),
    },
  },
  // Node 20 does not know "await using".
  oxc: { target: 'node20' },
} as const;

/** The files of a project share their workers: loading the modules anew for each would take a third of the time. A file leaves nothing behind. */
const limits = { pool: 'forks', isolate: false, testTimeout: 30_000, hookTimeout: 60_000 } as const;

type Project = TestProjectInlineConfiguration['test'];

/** Tests that wait for servers and back-offs half of their time: three of their files run on two cores. */
const FIRST = { maxWorkers: 3, sequence: { groupOrder: 1 } } as const;
/** Tests that keep a core busy, most by processes that they start. */
const SECOND = { maxWorkers: 2, sequence: { groupOrder: 2 } } as const;

function project(name: string, include: string, more: Project = {}): TestProjectInlineConfiguration {
  return { ...shared, test: { name, include: [include], ...limits, ...more } };
}

/** test/README.md says what each project is for. */
export default defineConfig({
  ...shared,
  test: {
    projects: [
      project('unit', UNIT, SECOND),
      project('databases', 'test/**/*.spec.ts', {
        exclude: [UNIT, EXHAUSTIVE, SERVERS, PROCESS, PACKAGE, CLUSTERS],
        ...FIRST,
      }),
      project('exhaustive', EXHAUSTIVE, { testTimeout: 300_000, ...SECOND }),
      project('servers', SERVERS, SECOND),
      // Each starts, kills and starts processes, a second or two each.
      project('process', PROCESS, { testTimeout: 60_000, ...SECOND }),
      project('package', PACKAGE, SECOND),
    ],
    globalSetup: './test/support/global-setup.ts',
  },
});
