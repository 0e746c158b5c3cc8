/**
 * Like `Promise.all`, but also a rejection waits until everything has ended: nothing of a failed attempt may go on beside
 * the next one.
 */
export async function both<T extends readonly Promise<unknown>[] | []>(
  steps: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(steps);
  return Promise.all(steps);
}
