import { publicReasonOf } from '../../model/values/public-text.js';

/** A lookup about the recipients of a commit can't be answered at the moment: slots or a gate, not the profiles. */
export class LookupFailedError extends Error {
  constructor(question: string, cause: unknown) {
    super(`${question}: ${publicReasonOf(cause)}`, { cause });
  }
}

/** @throws LookupFailedError if `ask` throws; its cause is what was thrown. */
export async function answered<T>(question: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new LookupFailedError(question, error);
  }
}
