/** A column of the host's entity, by the name of its property. */
export type ProfileColumn<T> = keyof T & string;

/** What a column of the host may say. */
export type ProfileWord = string | number | boolean | null;

/** Where the host's entity has what the plugin wants to know. Columns are named as the properties of the entity. */
export interface ProfileMapping<T> {
  /** What `{ userId }` means: the primary key, or any other column that is unique. */
  id: ProfileColumn<T>;
  email: ProfileColumn<T>;
  /** Several are joined by a space, those that are empty left out. Default: nobody has a name. */
  name?: ProfileColumn<T> | readonly ProfileColumn<T>[];
  /** Default: every address is valid. Whatever is not one of `invalid` is valid; the first of them is what is written. */
  emailStatus?: {
    column: ProfileColumn<T>;
    invalid: ProfileWord | readonly ProfileWord[];
    valid: ProfileWord;
  };
  /** Default: everybody wants mail. Whatever is not one of `no` is a yes; the first of them is what is written. */
  receiveEmail?: { column: ProfileColumn<T>; no: ProfileWord | readonly ProfileWord[]; yes: ProfileWord };
  /** A column of dates. Default: it is not known when somebody was mailed, and there is no contact fatigue. */
  lastEmailed?: ProfileColumn<T>;
  locale?: ProfileColumn<T>;
  /** Columns that templates see, each under its own name. Default: all that are named in this mapping. */
  data?: readonly ProfileColumn<T>[];
  /** Name of the data source that has the entity. Default: that of the plugin. */
  dataSource?: string;
}
