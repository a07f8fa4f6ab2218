import { ancestorPage } from './ancestor.page.js';
import { errorsPage } from './errors.page.js';
import { eventsPage } from './events.page.js';
import { optionsPage } from './options.page.js';
import { tablesPage } from './tables.page.js';

/** Pages that are made from the code, by their files. `npm run docs:pages` writes them, a test compares them. */
export const REFERENCE_PAGES: Record<string, () => string> = {
  'docs/options.md': optionsPage,
  'docs/events.md': eventsPage,
  'docs/errors.md': errorsPage,
  'docs/tables.md': tablesPage,
  'docs/ancestor-names.md': ancestorPage,
};
