import { expect, test } from 'vitest';
import { pause } from '../../workers/pause.ts';

/** A clock that says these times, one after the other. */
const clock =
  (...times: number[]) =>
  () =>
    times.shift() ?? NaN;
const { signal } = new AbortController();

test('a pause that took its time was no sleep', async () => {
  expect(await pause(1, 30, signal, clock(1000, 1031))).toBe(false);
});

test('a clock that ran ahead says that the machine slept', async () => {
  expect(await pause(1, 30, signal, clock(1000, 1032))).toBe(true);
});

test('whoever is stopped does not wait', async () => {
  expect(await pause(60_000, 30, AbortSignal.abort())).toBe(false);
});
