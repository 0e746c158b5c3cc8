/** A figure with what it was made of. Names and aims are fixed, so that runs can be compared. */
import { median } from './statistics.ts';

export type Unit = 'ms' | 's' | 'ratio' | '1/min' | 'KiB' | 'events' | 'bytes';

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** How many samples `value` was made of, and the smallest and largest of them. */
  readonly n: number;
  readonly min: number;
  readonly max: number;
}

/** `value` is the samples' median unless another is given. */
export function measured(name: string, unit: Unit, samples: readonly number[], value = median(samples)): Measurement {
  const [min, max] = [Math.min(...samples), Math.max(...samples)];
  return { name, value: tidy(value), unit, n: samples.length, min: tidy(min), max: tidy(max) };
}

/** How two series compare: the ratio of their medians, and the spread of the ratios of samples taken side by side. */
export function compared(name: string, ours: readonly number[], theirs: readonly number[]): Measurement {
  const pairs = ours.map((sample, n) => sample / (theirs[n] ?? NaN));
  return measured(name, 'ratio', pairs, median(ours) / median(theirs));
}

/** Four digits: more than any of this repeats to. */
const tidy = (value: number): number => Number(value.toPrecision(4));
