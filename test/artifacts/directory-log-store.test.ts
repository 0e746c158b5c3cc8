import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLogDirectory } from '../../artifacts/directory-log-store.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aas-logs-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text);

test('keeps numbered chunks and reads them in order from a number on', async () => {
  const logs = openLogDirectory(directory);
  for (let n = 0; n < 12; n++) expect(await logs.append('s1', 'round-1', n, bytes(`${n};`))).toBe(`${n};`.length);

  expect(await logs.read('s1', 'round-1', 9)).toEqual([9, 10, 11].map((n) => ({ n, bytes: bytes(`${n};`) })));
  expect(await logs.read('s1', 'round-1', 12)).toEqual([]);
});

test('reads as far as there is no gap', async () => {
  const logs = openLogDirectory(directory);
  for (const n of [0, 1, 3]) await logs.append('s1', 'round-1', n, bytes(`${n}`));
  expect((await logs.read('s1', 'round-1', 0)).map(({ n }) => n)).toEqual([0, 1]);
});

test('the first bytes under a number stay, and append says how many they are', async () => {
  const logs = openLogDirectory(directory);
  await logs.append('s1', 'round-1', 0, bytes('first'));
  expect(await logs.append('s1', 'round-1', 0, bytes('a second, longer try'))).toBe(5);
  expect(await openLogDirectory(directory).read('s1', 'round-1', 0)).toEqual([{ n: 0, bytes: bytes('first') }]);
});

test('of many writers of one number exactly one wins', async () => {
  const stores = Array.from({ length: 8 }, () => openLogDirectory(directory));
  const kept = await Promise.all(stores.map((logs, i) => logs.append('s1', 'round-1', 0, bytes('x'.repeat(i + 1)))));
  const [chunk] = await openLogDirectory(directory).read('s1', 'round-1', 0);
  expect(new Set(kept)).toEqual(new Set([chunk?.bytes.length]));
});

test('lists streams, and nothing of a session nobody wrote to', async () => {
  const logs = openLogDirectory(directory);
  await logs.append('s1', 'round-2', 0, bytes('x'));
  await logs.append('s1', 'check-unit', 0, bytes('x'));
  expect(await logs.streams('s1')).toEqual(['check-unit', 'round-2']);
  expect(await logs.streams('s2')).toEqual([]);
});

test.each(['', '.', '..', '../s1', 'a/b', '.staging', 'a\0b'])('refuses the name %j', async (name) => {
  const logs = openLogDirectory(directory);
  await expect(logs.append(name, 'round-1', 0, bytes('x'))).rejects.toThrow(TypeError);
  await expect(logs.append('s1', name, 0, bytes('x'))).rejects.toThrow(TypeError);
  await expect(logs.read('s1', name, 0)).rejects.toThrow(TypeError);
});

test.each([-1, 0.5, NaN])('refuses the chunk number %d', async (n) => {
  await expect(openLogDirectory(directory).append('s1', 'round-1', n, bytes('x'))).rejects.toThrow(TypeError);
});
