// tsc copies nothing: the templates and lists of the host application go beside its compiled code.
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const EXTENSIONS = new Set(['.hbs', '.csv']);

for (const file of readdirSync('src', { recursive: true })) {
  if (EXTENSIONS.has(extname(file))) cpSync(join('src', file), join('dist/src', file));
}

// The package is an ES module for its tools and the application of src/; what hosts get is CommonJS, which every host can load.
writeFileSync('dist/libs/package.json', '{ "type": "commonjs" }\n');
