/** What else bounds a wait for an answer. */
export interface AnswerTerms {
  /** Aborts when the answer is not needed any more. */
  stop?: AbortSignal;
  /** Whether the timer keeps the process alive. Default: true. */
  ref?: boolean;
}

/**
 * Waits for an answer, for at most `timeoutMs`. What comes later is ignored, also a rejection.
 *
 * @param silence makes the error for an answer that does not come in time.
 * @throws what `silence` makes; the reason of `stop`; whatever `answer` rejects with.
 */
export function answerWithin<T>(
  answer: T | PromiseLike<T>,
  timeoutMs: number,
  silence: () => Error,
  terms?: AnswerTerms,
): Promise<T> {
  return firstOf(answer, timeoutMs, () => Promise.reject(silence()), terms);
}

/**
 * Waits until something has ended, for at most `timeoutMs`. A later rejection is ignored.
 *
 * @returns false if it did not end in time.
 * @throws whatever `ending` rejects with in time.
 */
export function endsWithin(ending: PromiseLike<unknown>, timeoutMs: number): Promise<boolean> {
  const ended = ending.then(() => true);
  return firstOf(ended, timeoutMs, () => false);
}

/** The timer and the listener end with the wait, however it ends. */
function firstOf<T>(
  answer: T | PromiseLike<T>,
  timeoutMs: number,
  late: () => T | Promise<never>,
  { stop, ref = true }: AnswerTerms = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      stop?.removeEventListener('abort', giveUp);
      settle();
    };
    const giveUp = (): void => end(() => reject(stop?.reason as Error));
    const timer = setTimeout(() => end(() => resolve(late())), timeoutMs);
    if (!ref) timer.unref();
    stop?.addEventListener('abort', giveUp, { once: true });
    // This also handles a late rejection, which would otherwise end the process.
    Promise.resolve(answer).then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error as Error)),
    );
    if (stop?.aborted) giveUp();
  });
}
