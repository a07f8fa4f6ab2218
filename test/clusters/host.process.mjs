// The newsletter service as hosts run it. Its output also goes to the file LOG_FILE, because a broken promise is explained by the
// logs of all hosts.
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
