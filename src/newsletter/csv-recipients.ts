import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse, type Parser } from 'csv-parse';
import type { AddressRecipient } from 'nestjs-mailing';
import { CsvFileError } from './csv-file.error.js';
import { columnsOf, headOf, holdsHeader } from './csv-header.js';
import { textOfCsv } from './csv-text.js';
import { MAX_CELL_CHARACTERS, MAX_ROW_CHARACTERS } from './upload.limits.js';

/** A row, and what the parser reports about it. */
interface Row {
  record: Record<string, string>;
  /** `lines`: read so far. `error`: the number of cells differs from the first line. */
  info: { lines: number; error?: CsvError };
}

/**
 * Reads recipients from a CSV file with a header line, one at a time. A column for addresses (`email`, `E-Mail`, …) is required, one for names is
 * used for the address line, and all others are template variables. Columns are separated by a comma, a semicolon or a tab.
 *
 * A row that can't be used (more or fewer cells than the header, a cell that is too long) becomes a recipient without an address, which is recorded
 * as skipped, with its line number; the other rows go on.
 *
 * @throws CsvFileError in mid-stream if the file is neither UTF-8 nor UTF-16 with a byte order mark, has no column for addresses, too many columns or
 * rows, or a row without an end.
 */
export async function* readCsvRecipients(path: string, maxRows = Infinity): AsyncGenerator<AddressRecipient> {
  const file = createReadStream(path);
  let numRows = 0;
  let lastLine = 0;
  try {
    const rows = await parserFor(textOfCsv(file));
    for await (const { record, info } of rows as AsyncIterable<Row>) {
      const line = info.lines;
      if (++numRows > maxRows)
        throw new CsvFileError(line, `the file has more than ${maxRows} rows. Send it in parts.`);
      lastLine = line;
      yield info.error
        ? noRecipient(line, 'another number of cells than the first line')
        : toRecipient(record, line);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CsvFileError(
      lastLine + 1,
      `a row begins there, or below, that does not end: a quote is not closed, or it has more than ${MAX_ROW_CHARACTERS} characters.`,
      { cause: error },
    );
  } finally {
    // Also if the caller stops before the last row.
    file.destroy();
  }
}

/** @throws CsvFileError */
async function parserFor(text: AsyncGenerator<string>): Promise<Parser> {
  let begin = '';
  while (!holdsHeader(begin)) {
    const { done, value } = await text.next();
    if (done) break;
    begin += value;
  }
  const { delimiter, line } = headOf(begin);
  const rows = parse({
    columns: (header) => columnsOf(header, line),
    delimiter,
    skip_empty_lines: true,
    trim: true,
    info: true,
    // A quote within a cell is a part of it. As an error, each of them would make the parser scan the whole cell.
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: MAX_ROW_CHARACTERS,
  });
  async function* all(): AsyncGenerator<string> {
    yield begin;
    yield* text;
  }
  // The reader of `rows` gets every error.
  pipeline(all, rows, () => {});
  return rows;
}

function toRecipient({ email, name, ...data }: Row['record'], line: number): AddressRecipient {
  const isTooLong = [email, name ?? '', ...Object.values(data)].some(
    (cell) => cell.length > MAX_CELL_CHARACTERS,
  );
  return isTooLong
    ? noRecipient(line, `a cell of more than ${MAX_CELL_CHARACTERS} characters`)
    : { email, name, data };
}

/** A recipient without a valid address. It quotes nothing from the file, which may hold anything. */
function noRecipient(line: number, why: string): AddressRecipient {
  return { email: `line ${line} of the file: ${why}` };
}
