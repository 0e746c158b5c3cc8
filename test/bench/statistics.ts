/** Quantiles by nearest rank: every figure is one that was measured. */

/** The `fraction` quantile (0 to 1) of at least one sample. */
export function quantile(samples: readonly number[], fraction: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
  if (value === undefined) throw new Error('There is no quantile of nothing: no sample was taken');
  return value;
}

/** The middle sample; of two in the middle, their mean. */
export function median(samples: readonly number[]): number {
  const low = quantile(samples, 0.5);
  if (samples.length % 2 === 1) return low;
  const sorted = samples.toSorted((a, b) => a - b);
  return (low + (sorted[samples.length / 2] ?? low)) / 2;
}
