/** At most so many at once; the others wait in line. */
export function createSlots(count: number) {
  let free = count;
  const waiting = new Set<(turn: boolean) => void>();

  /** Resolves with true when it is our turn, with false when `signal` aborts before. */
  async function take(signal: AbortSignal | undefined): Promise<boolean> {
    if (free > 0) {
      free -= 1;
      return true;
    }
    if (signal?.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const leave = () => {
      if (waiting.delete(resolve)) resolve(false);
    };
    waiting.add(resolve);
    signal?.addEventListener('abort', leave, { once: true });
    return promise.finally(() => signal?.removeEventListener('abort', leave));
  }

  function giveBack(): void {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
    } else {
      waiting.delete(next);
      next(true);
    }
  }

  /** Runs a step when it is its turn; at once when it is called off, as there is nothing to begin then, only to end. */
  async function withSlot<T>(step: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const taken = await take(signal);
    try {
      return await step();
    } finally {
      if (taken) giveBack();
    }
  }
  return { withSlot };
}
