import { CsvFileError } from './csv-file.error.js';
import { MAX_COLUMN_NAME, MAX_COLUMNS } from './upload.limits.js';

/** Longest header in characters: as many as its bounds allow, each name in quotes and followed by a separator. */
const MAX_HEADER = MAX_COLUMNS * (MAX_COLUMN_NAME + 3);

const DELIMITERS = [',', ';', '\t'] as const;

/** Accepted names of the columns for addresses and names, in lower case, without spaces, hyphens, underscores and dots. */
const SPELLINGS = {
  email: ['email', 'emailaddress', 'emailadresse', 'mail', 'mailaddress', 'mailadresse'],
  name: ['name', 'fullname', 'displayname'],
};

/** The format of a file, from its first characters. */
export interface CsvHead {
  delimiter: string;
  /** The line of the header. */
  line: number;
}

/** True once the text holds the header, or is longer than a header may be. */
export function holdsHeader(text: string): boolean {
  return text.length > MAX_HEADER || /[\r\n]/.test(text.trimStart());
}

/** Chooses the delimiter that the header has most of, outside of quotes. */
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
 * The columns of a header; the columns for addresses and names are renamed to `email` and `name`, whatever their spelling.
 *
 * @throws CsvFileError if there are too many columns, a column name is too long, no column holds addresses, or several columns fit.
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

/** @returns the index of the column. A column with exactly this name has priority; other spellings are then template variables. */
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
