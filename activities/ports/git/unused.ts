/** Directories that are kept while they are used: the time of a directory is when somebody last wanted it. */
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from '../../../artifacts/errors.ts';

/** Marks as used. False when it is not there. */
export async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return (await ifThere(utimes(path, now, now))) !== null;
}

/** Removes what nobody used for so long: old bases, and what a process that was killed left behind. */
export async function sweep(directory: string, olderThanMs: number, ending = ''): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!name.endsWith(ending)) continue;
    const entry = await ifThere(stat(path));
    if (entry !== null && entry.mtimeMs < Date.now() - olderThanMs) await rm(path, { recursive: true, force: true });
  }
}
