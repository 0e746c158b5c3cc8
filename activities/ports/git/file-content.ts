/** The bytes of one file of a worktree: opened without following a link or waiting for a FIFO, and looked at again. */
import type { Stats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { createHash } from 'node:crypto';
import type { Oid } from '../../../temporal/contract/messages.ts';

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const chunk = Buffer.allocUnsafe(1024 * 1024);

/** Calls `use` with an open file. Throws when it is no longer what was looked at: nobody else may write now. */
function withFile<T>(path: Buffer, seen: Stats, use: (file: number) => T): T {
  const file = openSync(path, flags);
  try {
    const now = fstatSync(file);
    const same = now.isFile() && now.ino === seen.ino && now.dev === seen.dev && now.size === seen.size;
    if (!same) throw new Error('The worktree changes while it is read: its container must be gone first');
    return use(file);
  } finally {
    closeSync(file);
  }
}

/** git's blob id of a file of any size, in constant memory. */
export const hashFile = (path: Buffer, seen: Stats): Oid =>
  withFile(path, seen, (file) => {
    const hash = createHash('sha1').update(`blob ${seen.size}\0`);
    for (;;) {
      const bytes = readSync(file, chunk);
      if (bytes === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytes));
    }
  });

/** The whole of a file that is known to be small enough. */
export const readContent = (path: Buffer, seen: Stats): Buffer =>
  withFile(path, seen, (file) => {
    const content = Buffer.alloc(seen.size);
    let at = 0;
    while (at < content.length) {
      const bytes = readSync(file, content, at, content.length - at, at);
      if (bytes === 0) throw new Error('A file of the worktree ended early');
      at += bytes;
    }
    return content;
  });
