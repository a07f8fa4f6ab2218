// Runs the whole suite under other Nodes, which come from the registry as packages, one after another. Arguments are
// passed on to the suite. A line for each version, and as the last one "N passed, N failed" over all of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const VERSIONS = ['22', '24'];
const total = { passed: 0, failed: 0 };
const lines = [];

for (const version of VERSIONS) {
  const { name, code, last } = await suiteUnder(version);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed/.exec(last) ?? [last, 0, 1];
  total.passed += Number(passed);
  total.failed += Number(failed) || (code === 0 ? 0 : 1);
  lines.push(`Node ${name}: ${last}`);
}

console.log(lines.join('\n'));
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function suiteUnder(version) {
  // Asked, not assumed: a suite that ran under the wrong Node proves nothing.
  const { last: name } = await runUnder(version, ['-p', 'process.versions.node'], 'hide');
  if (!name.startsWith(`${version}.`))
    return { name: version, code: 1, last: `not to be had, got "${name}"` };
  return { name, ...(await runUnder(version, ['scripts/test.mjs', ...process.argv.slice(2)], 'show')) };
}

async function runUnder(version, args, output) {
  const child = spawn('npx', ['--yes', '--package', `node@${version}`, '--', 'node', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let tail = '';
  child.stdout.on('data', (text) => {
    if (output === 'show') process.stdout.write(text);
    tail = (tail + text).slice(-10_000);
  });
  const [code] = await once(child, 'close');
  return { code, last: tail.trimEnd().split('\n').at(-1) ?? '' };
}
