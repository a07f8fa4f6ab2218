import { writeFileSync } from 'node:fs';

/** Writes what `scripts/test.mjs` has to know about a run into the file that MAILING_TALLY_FILE names. */
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: unhandledErrors.length, skipped: 0, projects: {} };
    for (const module of modules) {
      const project = (tally.projects[module.project.name] ??= { files: 0, tests: 0, workerMs: 0 });
      const { collectDuration, duration } = module.diagnostic();
      project.files++;
      project.workerMs += collectDuration + duration;
      // A file that does not load and a hook that throws are failures too; the tests below them are only "skipped".
      for (const suite of [module, ...module.children.allSuites()]) {
        if (suite.errors().length > 0) tally.failed++;
      }
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'skipped') project.tests++;
        if (state === 'passed') tally.passed++;
        else if (state === 'skipped') tally.skipped++;
        else tally.failed++;
      }
    }
    writeFileSync(process.env.MAILING_TALLY_FILE, JSON.stringify(tally));
  }
}
