import { tmpdir } from 'node:os';

/** Limits for the upload of one newsletter. */
export interface UploadLimits {
  /** Size of a CSV file. Default of the service: 50,000,000. */
  maxBytes: number;
  /** Rows of a CSV file, without its first line. Default of the service: 500,000. */
  maxRows: number;
}

/** Injection token of the limits in use. */
export const UPLOAD_LIMITS = Symbol('UPLOAD_LIMITS');

export const MAX_COLUMNS = 100;
/** Longest name of a column. */
export const MAX_COLUMN_NAME = 100;
/** A longer row usually has a quote that is never closed, and goes on to the end of the file. So the file is refused. */
export const MAX_ROW_CHARACTERS = 1_000_000;
/** A longer cell makes its row unusable. Each cell becomes a variable of the templates, and is stored with its recipient. */
export const MAX_CELL_CHARACTERS = 10_000;

/** Fields of a form, besides its file. */
const MAX_FIELDS = 20;
const MAX_FIELD_BYTES = 200_000;

/** Options for the form parser, which stops reading at the limits and removes what it has written. */
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
