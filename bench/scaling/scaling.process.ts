import { RunUsageError } from '../../test/support/run-options.js';
import { parseScalingOptions } from './scaling.options.js';
import { linesOf } from './scaling.report.js';
import { scaling } from './scaling.session.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

try {
  const options = parseScalingOptions(process.argv.slice(2));
  const report = await scaling(options, say);
  for (const line of linesOf(report)) say(line);
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  // Figures never fail the bench, but second copies do, because then they mean nothing.
  process.exitCode = report.secondCopies === 0 ? 0 : 1;
} catch (error) {
  say(error instanceof RunUsageError ? error.message : String((error as Error)?.stack));
  process.exitCode = 2;
}
