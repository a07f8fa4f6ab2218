import { RunUsageError } from '../../test/support/run-options.js';
import { describeMachine } from '../machine.js';
import { PARSERS } from './parser.cases.js';
import { type Growth, growthOf } from './parsers.measure.js';
import { parseParsersOptions } from './parsers.options.js';

try {
  const { parsers, roundMs, maxRatio, json } = parseParsersOptions(process.argv.slice(2));
  const machine = describeMachine('none');
  const growths: Growth[] = [];
  for (const one of parsers.flatMap((name) => PARSERS[name])) {
    const growth = await growthOf(one, roundMs, maxRatio);
    growths.push(growth);
    process.stdout.write(`${lineOf(growth)}\n`);
  }
  const worst = growths.reduce((one, other) => (other.ratio > one.ratio ? other : one));
  const steep = growths.filter(({ ratio }) => ratio > maxRatio).map(({ name }) => name);
  process.stdout.write(`10 × the text takes at most ${worst.ratio} × the time (${worst.name})\n`);
  if (steep.length > 0) {
    process.stdout.write(`too steep, more than ${maxRatio} ×: ${steep.join(', ')}\n`);
    process.exitCode = 1;
  }
  if (json)
    process.stdout.write(
      `${JSON.stringify({ bench: 'parsers', worstRatio: worst.ratio, steep, growths, machine })}\n`,
    );
} catch (error) {
  const isUsage = error instanceof RunUsageError;
  process.stderr.write(`${isUsage ? error.message : String((error as Error)?.stack)}\n`);
  process.exitCode = 2;
}

function lineOf({ name, characters, microseconds, ratio }: Growth): string {
  const [shorter, longer, beyond] = microseconds.map((one) => `${one.toFixed(1)} µs`.padStart(14));
  return `${name.padEnd(46)}${String(characters).padStart(9)}${shorter}${longer}${String(ratio).padStart(8)} ×${beyond}`;
}
