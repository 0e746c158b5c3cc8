import { expect, test } from 'vitest';
import { measured } from './measurement.ts';
import { table } from './table.ts';

test('columns are aligned, and aims are judged in their own direction', () => {
  const lines = table([
    measured('session.real.c1.ratio_hand', 'ratio', [1.21]),
    measured('session.real.c10.ratio_hand_throughput', 'ratio', [1.21]),
    measured('session.noop.c1.p50', 'ms', [135, 150, 120]),
  ]);
  expect(lines).toEqual([
    '                                        value  unit   n   min   max     aim',
    'session.real.c1.ratio_hand               1.21  ratio  1  1.21  1.21  <= 1.2  MISSED',
    'session.real.c10.ratio_hand_throughput   1.21  ratio  1  1.21  1.21    >= 1  met',
    'session.noop.c1.p50                       135  ms     3   120   150',
  ]);
});
