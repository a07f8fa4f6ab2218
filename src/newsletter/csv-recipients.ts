import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import type { AddressRecipient } from 'nestjs-mailing';

/**
 * Recipients from a CSV file with a header line, one at a time: column `email` is required, `name` is used for the address
 * line, and all columns are template variables.
 *
 * @throws Error in mid-stream if the file is no CSV or has no column `email`.
 */
export async function* readCsvRecipients(path: string): AsyncGenerator<AddressRecipient> {
  const rows = createReadStream(path).pipe(
    parse({ columns: true, bom: true, skip_empty_lines: true, trim: true }),
  );
  for await (const row of rows as AsyncIterable<Record<string, string>>) {
    if (row.email === undefined) throw new Error('The CSV file has no column "email" in its first line.');
    const { email, name, ...data } = row;
    yield { email, name, data };
  }
}
