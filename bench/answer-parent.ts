/** Questions of a parent process by name. Parameters and answers go through IPC and must survive JSON. */
export type Answers<A> = { [K in keyof A]: (facts: never) => unknown };

export interface Question {
  id: number;
  name: string;
  facts: unknown;
}

/** `id` of the question; without one the child is ready. */
export type ChildMessage = { ready: true } | { id: number; answer?: unknown; error?: string };

/** Reports that this process is ready, and answers questions from now on. It ends with its parent. */
export function answerParent<A extends Answers<A>>(answers: A): void {
  const tell = (message: ChildMessage): void => void (process.connected && process.send?.(message));
  process.on('message', ({ id, name, facts }: Question) => {
    void (async () => {
      try {
        const answer = answers[name as keyof A];
        tell({ id, answer: await answer(facts as never) });
      } catch (error) {
        tell({ id, error: error instanceof Error ? String(error.stack) : String(error) });
      }
    })();
  });
  // The child of a killed parent must end, too.
  process.on('disconnect', () => process.exit());
  tell({ ready: true });
}

/** Processor time of this process since its start. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
