import { RunUsageError } from '../../test/support/run-options.js';
import { parseCompareOptions } from './compare.options.js';
import { compare } from './compare.session.js';

try {
  const options = parseCompareOptions(process.argv.slice(2));
  process.exitCode = await compare(options, (line) => void process.stdout.write(`${line}\n`));
} catch (error) {
  process.stderr.write(
    `${error instanceof RunUsageError ? error.message : String((error as Error)?.stack)}\n`,
  );
  process.exitCode = 2;
}
