/** Injection token of the host's data source, whatever its name. */
export const MAILING_DATA_SOURCE = Symbol('MAILING_DATA_SOURCE');
