import { expect, test } from 'vitest';
import { createRooms } from '../../../activities/ports/sandbox/rooms.ts';

const heldMs = 1000;

function rooms(count: number) {
  let nowMs = 0;
  const pass = (ms: number) => (nowMs += ms);
  return { ...createRooms(count, heldMs, () => nowMs), pass };
}

test('a host takes on as many rounds as it has rooms, and one twice only once', () => {
  const { hold } = rooms(2);
  expect(['a', 'b', 'a', 'c'].map(hold)).toEqual([true, true, true, false]);
});

test('a round that does not come loses its room', () => {
  const { hold, pass } = rooms(1);
  expect(hold('a')).toBe(true);
  pass(heldMs - 1);
  expect(hold('b')).toBe(false);
  pass(1);
  expect(hold('b')).toBe(true);
});

test('a round that is here keeps its room however long it takes, and leaves it when it ends, well or not', async () => {
  const { hold, stay, pass } = rooms(1);
  const ended = Promise.withResolvers<void>();
  const staying = stay('a', () => ended.promise);
  pass(1000 * heldMs);
  expect(hold('a')).toBe(true);
  pass(1000 * heldMs);
  expect(hold('b')).toBe(false);
  ended.reject(new Error('no luck'));
  await expect(staying).rejects.toThrow('no luck');
  expect(hold('b')).toBe(true);
});

test('a round that was placed here before a restart is taken, however full the host is', async () => {
  const { hold, stay } = rooms(1);
  expect(hold('a')).toBe(true);
  expect(await stay('b', () => Promise.resolve('done'))).toBe('done');
});
