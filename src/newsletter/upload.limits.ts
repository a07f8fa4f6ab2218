import { tmpdir } from 'node:os';

/** What one newsletter may bring with it. */
export interface UploadLimits {
  /** Of a CSV file, as a whole. Default of the service: 50,000,000. */
  maxBytes: number;
  /** Of a CSV file, without its first line. Default of the service: 500,000. */
  maxRows: number;
}

/** Injection token of the limits in use. */
export const UPLOAD_LIMITS = Symbol('UPLOAD_LIMITS');

export const MAX_COLUMNS = 100;
/** Characters of the name of a column. */
export const MAX_COLUMN_NAME = 100;
/** A row that is longer has a quote that is never closed, as a rule, and goes on to the end of the file. So the file is refused. */
export const MAX_ROW_CHARACTERS = 1_000_000;
/** A longer one costs its row. Each becomes a variable of the templates, and is kept with its recipient. */
export const MAX_CELL_CHARACTERS = 10_000;

/** Of a form, beside its file. */
const MAX_FIELDS = 20;
const MAX_FIELD_BYTES = 200_000;

/** For the parser of forms, which stops reading there and takes away what it has written. */
export function formOptions({ maxBytes }: UploadLimits): { dest: string; limits: Record<string, number> } {
  return {
    dest: tmpdir(),
    limits: {
      files: 1,
      fileSize: maxBytes,
      fields: MAX_FIELDS,
      fieldSize: MAX_FIELD_BYTES,
      fieldNameSize: 100,
      parts: MAX_FIELDS + 1,
      headerPairs: 100,
    },
  };
}
