/** Files that appear whole or not at all, and stay after a power cut. */
import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { explainWriteError, ifThere } from './errors.ts';

/** A writer that was killed leaves its file behind; nobody writes one for this long. */
const abandonedAfterMs = 24 * 3600 * 1000;

/** Makes what was created, renamed or linked in a directory survive a power cut (a file's own fsync does not). */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a directory with its parents, durably. Cheap and silent where it is there already. */
export async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let path = directory; path.length >= first.length; path = dirname(path)) await syncDirectory(dirname(path));
}

export interface Staging {
  /**
   * Writes a read-only file under a name nobody else uses, syncs it, and hands its path to `place`, which moves or
   * links it to where it belongs. The staged name is gone afterwards, whatever happened.
   */
  stage<Written, Placed>(
    write: (file: FileHandle) => Promise<Written>,
    place: (path: string, written: Written) => Promise<Placed>,
  ): Promise<Placed>;
}

/** A directory for files in the making. It must be on the file system of the place where they end. */
export function createStaging(directory: string): Staging {
  let prepared: Promise<void> | undefined;

  async function prepare(): Promise<void> {
    prepared ??= makeDirectory(directory).then(() => removeAbandoned(directory));
    try {
      await prepared;
    } catch (error) {
      prepared = undefined;
      throw error;
    }
  }

  return {
    stage: async (write, place) => {
      const path = join(directory, `${process.pid}-${randomUUID()}`);
      try {
        await prepare();
        return await place(path, await writeSynced(path, write));
      } catch (error) {
        throw explainWriteError(error, directory);
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

async function writeSynced<Written>(path: string, write: (file: FileHandle) => Promise<Written>): Promise<Written> {
  const file = await open(path, 'wx', 0o444);
  try {
    const written = await write(file);
    await file.sync();
    return written;
  } finally {
    await file.close();
  }
}

async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const entry = await ifThere(stat(path));
    if (entry !== null && entry.mtimeMs < Date.now() - abandonedAfterMs) await rm(path, { force: true });
  }
}
