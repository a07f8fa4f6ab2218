import { publicReasonOf } from '../../model/values/public-text.js';

/** A question about the recipients of a commit, other than who they are, that has no answer at the moment. */
export class LookupFailedError extends Error {
  constructor(question: string, cause: unknown) {
    super(`${question}: ${publicReasonOf(cause)}`, { cause });
  }
}

/** @throws LookupFailedError whatever `ask` throws. */
export async function answered<T>(question: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new LookupFailedError(question, error);
  }
}
