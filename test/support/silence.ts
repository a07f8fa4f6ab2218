/** What a function of a host returns that never answers. */
export const never = <T = never>(): Promise<T> => new Promise<T>(() => undefined);
