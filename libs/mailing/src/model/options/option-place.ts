import { kindOf } from '../values/value-kind.js';

/** What is wrong with the value of an option. */
export interface OptionFault {
  /** Path of the option, for example `run.concurrency`. */
  option: string;
  expected: string;
  value: unknown;
  /** In words, because the value may be a secret in the wrong place. */
  got: string;
  /** Absent: that of the error class. */
  nextStep?: string;
}

/**
 * Where an option is, and what refuses its value. The same kinds of options are read for `MailingModule` and for each optional part, and each
 * of them has an error class of its own.
 */
export class OptionPlace {
  /** @param path empty for the options themselves. */
  constructor(
    readonly path: string,
    private readonly errorOf: (fault: OptionFault) => Error,
  ) {}

  /** The place of an option of this group. */
  of(name: string): OptionPlace {
    return new OptionPlace(this.path ? `${this.path}.${name}` : name, this.errorOf);
  }

  /** The place of an entry of this list. */
  entry(n: number): OptionPlace {
    return new OptionPlace(`${this.path}[${n}]`, this.errorOf);
  }

  /**
   * @param value undefined: it is missing.
   * @returns the error to throw.
   */
  wrong(expected: string, value: unknown, got = kindOf(value), nextStep?: string): Error {
    return this.errorOf({ option: this.path || 'options', expected, value, got, nextStep });
  }
}
