import { describe, expect, test } from 'vitest';
import { compared, measured } from './measurement.ts';
import { median, quantile } from './statistics.ts';

describe('quantiles', () => {
  const samples = [5, 1, 4, 2, 3];

  test('are samples that were taken, by nearest rank', () => {
    expect([0, 0.2, 0.21, 0.5, 0.95, 1].map((fraction) => quantile(samples, fraction))).toEqual([1, 1, 2, 3, 5, 5]);
  });

  test('the median of an even number is between the two in the middle', () => {
    expect([median(samples), median([4, 1, 3, 2]), median([7])]).toEqual([3, 2.5, 7]);
  });

  test('sort numbers as numbers and leave the samples as they were', () => {
    const unsorted = [10, 9, 100];
    expect(median(unsorted)).toBe(10);
    expect(unsorted).toEqual([10, 9, 100]);
  });

  test('of nothing do not exist', () => {
    expect(() => median([])).toThrow('no sample was taken');
  });
});

describe('measurements', () => {
  test('carry their samples’ number and spread', () => {
    expect(measured('a', 'ms', [3, 1, 2])).toEqual({ name: 'a', value: 2, unit: 'ms', n: 3, min: 1, max: 3 });
  });

  test('may be about another figure than the median', () => {
    expect(measured('a.p95', 'ms', [3, 1, 2], 3).value).toBe(3);
  });

  test('compare medians, and show the spread of what was taken side by side', () => {
    expect(compared('r', [2, 3, 10], [2, 2, 2])).toEqual({
      name: 'r',
      value: 1.5,
      unit: 'ratio',
      n: 3,
      min: 1,
      max: 5,
    });
  });
});
