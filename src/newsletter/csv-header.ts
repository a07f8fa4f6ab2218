import { CsvFileError } from './csv-file.error.js';
import { MAX_COLUMN_NAME, MAX_COLUMNS } from './upload.limits.js';

/** Characters in which the header has to end: as many as its bounds allow, each in quotes and followed by a separator. */
const MAX_HEADER = MAX_COLUMNS * (MAX_COLUMN_NAME + 3);

const DELIMITERS = [',', ';', '\t'] as const;

/** How the columns of addresses and of names are called, in small letters without spaces, hyphens, underscores and dots. */
const SPELLINGS = {
  email: ['email', 'emailaddress', 'emailadresse', 'mail', 'mailaddress', 'mailadresse'],
  name: ['name', 'fullname', 'displayname'],
};

/** What the beginning of a file says of the rest. */
export interface CsvHead {
  delimiter: string;
  /** Of the header. */
  line: number;
}

/** True once the text holds the header, or more than a header may have. */
export function holdsHeader(text: string): boolean {
  return text.length > MAX_HEADER || /[\r\n]/.test(text.trimStart());
}

/** The delimiter is the one that the header has most of, outside of quotes. */
export function headOf(text: string): CsvHead {
  const begin = text.search(/\S/);
  const before = text.slice(0, Math.max(begin, 0));
  const header = text.slice(Math.max(begin, 0), MAX_HEADER + before.length).split(/[\r\n]/, 1)[0];
  const bare = header.replace(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return {
    delimiter: DELIMITERS[counts.indexOf(Math.max(...counts))],
    line: before.split(/\r\n?|\n/).length,
  };
}

/**
 * The columns of a header, with `email` and `name` for every spelling of theirs.
 *
 * @throws CsvFileError
 */
export function columnsOf(header: string[], line: number): string[] {
  if (header.length > MAX_COLUMNS) throw new CsvFileError(line, `more than ${MAX_COLUMNS} columns.`);
  if (header.some(({ length }) => length > MAX_COLUMN_NAME))
    throw new CsvFileError(line, `a column with a name of more than ${MAX_COLUMN_NAME} characters.`);
  const columns = [...header];
  const email = columnFor('email', header, line);
  if (email === null)
    throw new CsvFileError(
      line,
      'the header has no column for addresses. Call it email, e-mail, mail or email address, and put a comma, a semicolon or a tab between columns.',
    );
  columns[email] = 'email';
  const name = columnFor('name', header, line);
  if (name !== null) columns[name] = 'name';
  return columns;
}

/** @returns where it stands; the very word before other spellings, which are variables of the templates then. */
function columnFor(column: keyof typeof SPELLINGS, header: string[], line: number): number | null {
  const exact = at(header, (name) => name === column);
  const found = exact.length > 0 ? exact : at(header, (name) => SPELLINGS[column].includes(plain(name)));
  if (found.length > 1)
    throw new CsvFileError(
      line,
      `the header has ${found.length} columns that may be ${column}. Call one of them ${column}.`,
    );
  return found[0] ?? null;
}

function at(header: string[], isWanted: (name: string) => boolean): number[] {
  return header.flatMap((name, n) => (isWanted(name) ? [n] : []));
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[\s._-]+/g, '');
}
