// Runs the whole suite under other Nodes, which come from the registry as packages, one after another. Arguments are
// passed on to the suite. A line for each version, and as the last one "N passed, N failed" over all of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const VERSIONS = ['22', '24'];
const total = { passed: 0, failed: 0 };
const lines = [];

for (const version of VERSIONS) {
  const { code, last } = await suiteUnder(version);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed/.exec(last) ?? [last, 0, 1];
  total.passed += Number(passed);
  total.failed += Number(failed) || (code === 0 ? 0 : 1);
  lines.push(`Node ${version}: ${last}`);
}

console.log(lines.join('\n'));
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function suiteUnder(version) {
  const node = ['--yes', '--package', `node@${version}`, '--', 'node'];
  const child = spawn('npx', [...node, 'scripts/test.mjs', ...process.argv.slice(2)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text) => {
    process.stdout.write(text);
    output = (output + text).slice(-10_000);
  });
  const [code] = await once(child, 'close');
  return { code, last: output.trimEnd().split('\n').at(-1) ?? '' };
}
