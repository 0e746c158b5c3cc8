import type { FileHandle } from 'node:fs/promises';
import { open, readFile, readdir, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openPatchOutbox } from '../../activities/ports/patch-outbox.ts';
import { temporaryFolder } from '../helpers/repositories.ts';

const patch = Buffer.from('From 0\r\n');
const other = Buffer.from('From 1\n');
const invalid = { type: 'Evidence.Invalid', nonRetryable: true };

/** An outbox whose folder is not there yet. */
async function openOutbox() {
  const directory = join(await realpath(await temporaryFolder()), 'aas', 'promoted');
  return { directory, outbox: openPatchOutbox(directory), file: join(directory, 's-1.patch') };
}

test('a promoted patch is exactly the approved bytes, read-only, and nothing is left beside it', async () => {
  const { directory, outbox, file } = await openOutbox();
  expect(await outbox.has('s-1', patch)).toBe(false);
  await outbox.put('s-1', patch);
  expect(await readFile(file)).toEqual(patch);
  expect((await stat(file)).mode & 0o777).toBe(0o444);
  expect(await readdir(directory)).toEqual([outbox.name('s-1')]);
  expect(await outbox.has('s-1', patch)).toBe(true);
  expect(await outbox.has('s-2', patch)).toBe(false);
});

test('writing it again changes nothing', async () => {
  const { outbox, file } = await openOutbox();
  await outbox.put('s-1', patch);
  const { ino, mtimeMs } = await stat(file);
  await outbox.put('s-1', patch);
  expect(await stat(file)).toMatchObject({ ino, mtimeMs });
});

test('it is never overwritten: other bytes are refused, whoever wrote first', async () => {
  const { directory, outbox, file } = await openOutbox();
  await outbox.put('s-1', patch);
  await expect(outbox.put('s-1', other)).rejects.toMatchObject(invalid);
  await expect(outbox.has('s-1', other)).rejects.toMatchObject(invalid);
  expect(await readFile(file)).toEqual(patch);
  expect(await readdir(directory)).toEqual(['s-1.patch']);
});

test('of many writers at once the first one’s bytes stay, and those with the same succeed', async () => {
  const { directory, file } = await openOutbox();
  const contents = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? patch : other));
  const results = await Promise.allSettled(contents.map((bytes) => openPatchOutbox(directory).put('s-1', bytes)));
  const kept = await readFile(file);
  const expected = contents.map((bytes) =>
    bytes.equals(kept)
      ? { status: 'fulfilled' }
      : { status: 'rejected', reason: expect.objectContaining(invalid) as unknown },
  );
  expect(results).toMatchObject(expected);
  expect(await readdir(directory)).toEqual(['s-1.patch']);
});

/** Folders and files whose content the kernel was told to write to the disk, each with what was in the folder then. */
async function watchSyncs(): Promise<{ path: string; holds: string[] }[]> {
  const syncs: { path: string; holds: string[] }[] = [];
  const handle = await open('/', 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { sync } = prototype;
  const spy = vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    const path = await readlink(`/proc/self/fd/${this.fd}`);
    await sync.call(this);
    syncs.push({ path, holds: (await this.stat()).isDirectory() ? await readdir(path) : [] });
  });
  onTestFinished(() => spy.mockRestore());
  return syncs;
}

test('it survives a power cut: bytes, name and folder are on the disk before it is answered for', async () => {
  const { directory, outbox } = await openOutbox();
  const syncs = await watchSyncs();
  await outbox.put('s-1', patch);
  const bytes = syncs.findIndex(({ path }) => path.startsWith(join(directory, '.s-1.patch.')));
  const name = syncs.findIndex(({ path, holds }) => path === directory && holds.includes('s-1.patch'));
  expect(bytes).toBeGreaterThanOrEqual(0);
  expect(name).toBeGreaterThan(bytes);
  expect(syncs.map(({ path }) => path)).toContain(join(directory, '..'));
});

test('what a promoter linked that died before it could sync is synced by the one that finds it', async () => {
  const { directory, outbox, file } = await openOutbox();
  await outbox.put('s-2', other);
  await writeFile(file, patch);
  const syncs = await watchSyncs();
  expect(await outbox.has('s-1', patch)).toBe(true);
  expect(syncs.map(({ path }) => path)).toEqual([directory]);
});
