/** A CSV file that can't be read as a list of recipients. Its message is for the caller, and shows nothing of the file. */
export class CsvFileError extends Error {
  override readonly name = 'CsvFileError';

  /** @param line of the file, from 1; null: all of it. */
  constructor(
    readonly line: number | null,
    fault: string,
    options?: ErrorOptions,
  ) {
    super(line === null ? `The CSV file ${fault}` : `The CSV file, line ${line}: ${fault}`, options);
  }
}
