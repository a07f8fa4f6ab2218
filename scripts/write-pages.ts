// Writes the pages that are made from the code.
import { writeFile } from 'node:fs/promises';
import { REFERENCE_PAGES } from './pages/reference-pages.js';

for (const [file, page] of Object.entries(REFERENCE_PAGES)) await writeFile(file, page());
