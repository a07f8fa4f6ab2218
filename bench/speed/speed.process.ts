import { RunUsageError } from '../../test/support/run-options.js';
import { parseSpeedOptions } from './speed.options.js';
import { linesOf } from './speed.lines.js';
import { ATTACHMENT_KB } from '../letter.js';
import { unfairLines } from './speed.limits.js';
import { speed } from './speed.session.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

try {
  const options = parseSpeedOptions(process.argv.slice(2));
  process.env[ATTACHMENT_KB] = String(options.attachmentKb);
  const report = await speed(options, say);
  for (const line of linesOf(report)) process.stdout.write(`${line}\n`);
  const unfair = unfairLines(report.limitedBy);
  for (const line of unfair) say(line);
  if (unfair.length > 0) process.exitCode = 1;
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
} catch (error) {
  say(error instanceof RunUsageError ? error.message : String((error as Error)?.stack));
  process.exitCode = 2;
}
