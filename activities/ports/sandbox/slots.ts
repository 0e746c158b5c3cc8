/** At most so many at once; the others wait in line. */
export function createSlots(count: number) {
  let free = count;
  const waiting: (() => void)[] = [];

  async function withSlot<T>(step: () => Promise<T>): Promise<T> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await step();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  }
  return { withSlot };
}
