import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { AddressRecipient } from 'nestjs-mailing';
import { MAX_CELL_CHARACTERS, MAX_COLUMN_NAME, MAX_COLUMNS, MAX_ROW_CHARACTERS } from './upload.limits.js';

/** A row, and what the parser knows of it. */
interface Row {
  record: Record<string, string>;
  /** `lines`: read so far. `error`: it has another number of cells than the first line. */
  info: { lines: number; error?: CsvError };
}

/**
 * Recipients from a CSV file with a header line, one at a time: column `email` is required, `name` is used for the address
 * line, and all columns are template variables.
 *
 * A row that can't be used (more or fewer cells than the header, a cell that is too long) is a recipient without an address, which the
 * books show as skipped, with the number of its line; the others go on.
 *
 * @throws Error in mid-stream if the file has no column `email`, too many columns or rows, or a row without an end.
 */
export async function* readCsvRecipients(path: string, maxRows = Infinity): AsyncGenerator<AddressRecipient> {
  const rows = parse({
    columns: checkedHeader,
    bom: true,
    skip_empty_lines: true,
    trim: true,
    info: true,
    // A quote within a cell is a part of it. As an error it would cost the parser a look at the whole cell for each of them.
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: MAX_ROW_CHARACTERS,
  });
  // Closes the file when the rows are not read to their end, which pipe() does not. The reader of the rows sees every error.
  pipeline(createReadStream(path), rows, () => {});
  let numRows = 0;
  try {
    for await (const { record, info } of rows as AsyncIterable<Row>) {
      if (++numRows > maxRows)
        throw new Error(`The CSV file has more than ${maxRows} rows. Send it in parts.`);
      const line = info.lines;
      yield info.error
        ? noRecipient(line, 'another number of cells than the first line')
        : toRecipient(record, line);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const numBefore = Number(error.records ?? 0);
    throw new Error(
      `The CSV file has a row, after ${numBefore} others, that does not end: a quote is not closed, or it has more than ${MAX_ROW_CHARACTERS} characters.`,
      { cause: error },
    );
  }
}

function checkedHeader(header: string[]): string[] {
  if (header.length > MAX_COLUMNS)
    throw new Error(`The CSV file has more than ${MAX_COLUMNS} columns in its first line.`);
  const isNamed = header.every(({ length }) => length <= MAX_COLUMN_NAME);
  if (!isNamed)
    throw new Error(`A column of the CSV file has a name of more than ${MAX_COLUMN_NAME} characters.`);
  if (!header.includes('email')) throw new Error('The CSV file has no column "email" in its first line.');
  return header;
}

function toRecipient({ email, name, ...data }: Row['record'], line: number): AddressRecipient {
  const isTooLong = [email, name ?? '', ...Object.values(data)].some(
    (cell) => cell.length > MAX_CELL_CHARACTERS,
  );
  return isTooLong
    ? noRecipient(line, `a cell of more than ${MAX_CELL_CHARACTERS} characters`)
    : { email, name, data };
}

/** No address, and no text of the file, which may hold anything. */
function noRecipient(line: number, why: string): AddressRecipient {
  return { email: `line ${line} of the file: ${why}` };
}
