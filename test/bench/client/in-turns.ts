export interface Turns<T> {
  readonly results: readonly T[];
  /** From the first beginning to the last end. */
  readonly seconds: number;
}

/** Does a piece of work `count` times, `atOnce` at a time: where one ends the next begins. */
export async function inTurns<T>(count: number, atOnce: number, work: () => Promise<T>): Promise<Turns<T>> {
  const began = performance.now();
  const results: T[] = [];
  let left = count;
  async function worker(): Promise<void> {
    while (left-- > 0) results.push(await work());
  }
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { results, seconds: (performance.now() - began) / 1000 };
}

export const perMinute = ({ results, seconds }: Turns<unknown>): number => (60 * results.length) / seconds;
