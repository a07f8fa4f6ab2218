/** A CSV file that can't be read as a list of recipients. The message is for the caller, and quotes nothing from the file. */
export class CsvFileError extends Error {
  override readonly name = 'CsvFileError';

  /** @param line of the file, from 1; null: the whole file. */
  constructor(
    readonly line: number | null,
    fault: string,
    options?: ErrorOptions,
  ) {
    super(line === null ? `The CSV file ${fault}` : `The CSV file, line ${line}: ${fault}`, options);
  }
}
