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
/** vitest.clusters.config.ts and vitest.hosts.config.ts run these. */
const HOSTS = 'test/hosts/**/*.spec.ts';
const CLUSTERS = 'test/clusters/**/*.cluster.spec.ts';

export const shared = {
  resolve: {
    alias: {
      // The longer name comes first, because the first one that fits is taken.
      'nestjs-mailing/bullmq': source('bullmq'),
      'nestjs-mailing/ldap': source('ldap'),
      'nestjs-mailing/unsubscribe': source('unsubscribe'),
      'nestjs-mailing/scenarios': source('scenarios'),
      'nestjs-mailing/testing': source('testing'),
      'nestjs-mailing': source('mailing'),
    },
  },
  // Node 20 does not know "await using".
  oxc: { target: 'node20' },
} as const;

/** The files of a project share their workers: loading the modules anew for each would take a third of the time. A file leaves nothing behind. */
const limits = {
  pool: 'forks',
  isolate: false,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Half of the tests wait for servers and back-offs, the others keep a core busy.
  maxWorkers: 3,
} as const;

type Project = TestProjectInlineConfiguration['test'];

function project(name: string, include: string, more: Project = {}): TestProjectInlineConfiguration {
  return { ...shared, test: { name, include: [include], ...limits, ...more } };
}

/** test/README.md says what each project is for. */
export default defineConfig({
  ...shared,
  test: {
    projects: [
      project('unit', UNIT),
      project('databases', 'test/**/*.spec.ts', {
        exclude: [UNIT, EXHAUSTIVE, SERVERS, PROCESS, PACKAGE, CLUSTERS, HOSTS],
      }),
      project('exhaustive', EXHAUSTIVE, { testTimeout: 300_000 }),
      project('servers', SERVERS),
      // Each starts, kills and starts processes, a second or two each.
      project('process', PROCESS, { testTimeout: 60_000 }),
      project('package', PACKAGE),
    ],
    globalSetup: './test/support/global-setup.ts',
  },
});
