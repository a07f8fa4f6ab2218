// The newsletter service as hosts run it, with all that it writes kept in the file LOG_FILE too: a drill that broke the promise
// is told by the lines of all hosts.
import { createWriteStream } from 'node:fs';

const file = createWriteStream(process.env.LOG_FILE, { flags: 'a' });
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  stream.write = (chunk, ...rest) => {
    file.write(chunk);
    return write(chunk, ...rest);
  };
}

await import('../../dist/src/main.js');
