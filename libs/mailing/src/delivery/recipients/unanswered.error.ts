import { publicReasonOf } from '../../model/values/public-text.js';

/** A question about the recipients of a beat, other than who they are, that has no answer at the moment. */
export class UnansweredError extends Error {
  constructor(question: string, cause: unknown) {
    super(`${question}: ${publicReasonOf(cause)}`, { cause });
  }
}

/** @throws UnansweredError whatever `ask` throws. */
export async function answered<T>(question: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new UnansweredError(question, error);
  }
}
