import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../artifacts/digest.ts';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import { ArtifactDamaged, ArtifactMissing, explainWriteError } from '../../artifacts/errors.ts';
import type { Digest } from '../../temporal/contract/messages.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aas-artifacts-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const hello = Buffer.from('hello');
const pathOf = (digest: Digest) => join(directory, 'sha256', digest.slice(7, 9), digest.slice(9));

test('keeps bytes under their digest, read-only, with nothing left over', async () => {
  const store = openArtifactDirectory(directory);
  const ref = await store.put(hello, 'text/plain');

  expect(ref).toEqual({ digest: sha256(hello), bytes: 5, mediaType: 'text/plain' });
  expect(await store.get(ref.digest)).toEqual(hello);
  expect(await store.has(ref.digest)).toBe(true);
  expect((await stat(pathOf(ref.digest))).mode & 0o777).toBe(0o444);
  expect(await readdir(join(directory, 'staging'))).toEqual([]);
});

test('a repeated put writes nothing', async () => {
  const store = openArtifactDirectory(directory);
  const { digest } = await store.put(hello, 'text/plain');
  const before = await stat(pathOf(digest));

  await store.put(hello, 'application/json');
  await store.putFile(pathOf(digest), 'text/plain');

  expect((await stat(pathOf(digest))).ino).toBe(before.ino);
});

test('a put replaces what is too short to be right', async () => {
  const store = openArtifactDirectory(directory);
  const { digest } = await store.put(hello, 'text/plain');
  await chmod(pathOf(digest), 0o644);
  await truncate(pathOf(digest), 2);

  await store.put(hello, 'text/plain');
  expect(await store.get(digest)).toEqual(hello);
});

test('streams a file and names it like its bytes', async () => {
  const store = openArtifactDirectory(directory);
  const bytes = Buffer.alloc(3 * 1024 * 1024 + 1, 'x');
  const source = join(directory, 'source');
  await writeFile(source, bytes);

  const ref = await store.putFile(source, 'application/octet-stream');
  expect(ref).toEqual({ digest: sha256(bytes), bytes: bytes.length, mediaType: 'application/octet-stream' });
  expect(await readFile(await store.getFile(ref.digest))).toEqual(bytes);
});

test('refuses what is missing', async () => {
  const store = openArtifactDirectory(directory);
  await expect(store.get(sha256('nothing'))).rejects.toThrow(ArtifactMissing);
  await expect(store.getFile(sha256('nothing'))).rejects.toThrow(ArtifactMissing);
  expect(await store.has(sha256('nothing'))).toBe(false);
});

test('a digest that is none never becomes a path', async () => {
  const store = openArtifactDirectory(directory);
  const climbing = `sha256:${'../'.repeat(20)}etc/passwd` as Digest;
  await expect(store.get(climbing)).rejects.toThrow(ArtifactMissing);
  expect(await store.has(climbing)).toBe(false);
});

test('refuses what no longer hashes to its name', async () => {
  const store = openArtifactDirectory(directory);
  const { digest } = await store.put(hello, 'text/plain');
  await chmod(pathOf(digest), 0o644);
  await writeFile(pathOf(digest), 'hellO');

  await expect(store.get(digest)).rejects.toThrow(ArtifactDamaged);
  await expect(store.getFile(digest)).rejects.toThrow(ArtifactDamaged);
});

test('removes what a killed writer left long ago, and nothing younger', async () => {
  await openArtifactDirectory(directory).put(hello, 'text/plain');
  const [old, young] = [join(directory, 'staging', 'old'), join(directory, 'staging', 'young')];
  await writeFile(old, '');
  await writeFile(young, '');
  await utimes(old, new Date(0), new Date(0));

  await openArtifactDirectory(directory).put(Buffer.from('other'), 'text/plain');
  expect(await readdir(join(directory, 'staging'))).toEqual(['young']);
});

test('says a full disk in words and keeps the cause', () => {
  const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const explained = explainWriteError(cause, '/data');
  expect(explained).toMatchObject({ message: expect.stringContaining('/data is full') as string, cause });
  const other = new Error('other');
  expect(explainWriteError(other, '/data')).toBe(other);
});

test('several processes put the same values at once', async () => {
  const script = fileURLToPath(new URL('./put-many.ts', import.meta.url));
  const writers = Array.from({ length: 4 }, () => fork(script, [directory, '40']));
  const ends = await Promise.all(writers.map((writer) => once(writer, 'exit')));

  expect(ends.map(([code]) => code as number)).toEqual([0, 0, 0, 0]);
  const store = openArtifactDirectory(directory);
  for (let n = 0; n < 40; n++) expect((await store.get(sha256(`value ${n}`))).toString()).toBe(`value ${n}`);
  expect(await readdir(join(directory, 'staging'))).toEqual([]);
});
