/** A column of the host's entity, by the name of its property. */
export type ProfileColumn<T> = keyof T & string;

/** A value of a column of the host's entity. */
export type ProfileWord = string | number | boolean | null;

/** Which columns of the host's entity hold what the plugin needs. Columns are named as the properties of the entity. */
export interface ProfileMapping<T> {
  /** What `{ userId }` means: the primary key, or any other column that is unique. */
  id: ProfileColumn<T>;
  email: ProfileColumn<T>;
  /** Several columns are joined by a space; empty ones are left out. Default: profiles have no name. */
  name?: ProfileColumn<T> | readonly ProfileColumn<T>[];
  /**
   * Every value that is not in `invalid` means valid. An address is marked invalid with the first value of `invalid`. Default: every
   * address is valid.
   */
  emailStatus?: {
    column: ProfileColumn<T>;
    invalid: ProfileWord | readonly ProfileWord[];
    valid: ProfileWord;
  };
  /** Every value that is not in `no` means yes. An opt-out is written as the first value of `no`. Default: every profile wants mail. */
  receiveEmail?: { column: ProfileColumn<T>; no: ProfileWord | readonly ProfileWord[]; yes: ProfileWord };
  /** A column of dates. Default: unknown, so there is no contact fatigue. */
  lastEmailed?: ProfileColumn<T>;
  locale?: ProfileColumn<T>;
  /** Columns that templates see, each under its own name. Default: all columns of this mapping. */
  data?: readonly ProfileColumn<T>[];
  /** Name of the data source that has the entity. Default: that of the plugin. */
  dataSource?: string;
}
