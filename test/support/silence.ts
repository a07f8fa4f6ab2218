/** The promise of a host's function that never settles. */
export const never = <T = never>(): Promise<T> => new Promise<T>(() => undefined);
