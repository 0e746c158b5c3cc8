/** SQLite's errors: which go by themselves, and what the others mean to a person. */
import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../errors.ts';

const busy = 5;

/** Primary result codes (sqlite.org/rescode.html) that speak of the file and not of our statement. */
const reasons = new Map([
  [busy, 'somebody else kept it locked for too long'],
  [8, 'it may only be read: give this process the right to write it'],
  [10, 'the disk failed to read or write it'],
  [11, 'it is damaged: put back a copy'],
  [13, 'the disk is full: free some space'],
  [14, 'it cannot be opened: its folder must be there and writable'],
  [26, 'it is no SQLite database: another program wrote it'],
]);

/** The one translator. An error that is not about the file stays as it is. */
export function explain(error: unknown, file: string): unknown {
  const reason = reasons.get(primaryCode(error));
  if (reason === undefined) return error;
  return new StoreUnavailable(`The store ${file} cannot be used: ${reason}. Nothing was half-written`, {
    cause: error,
  });
}

/** How long others may hold the lock. Our own transactions take about a millisecond. */
const patienceMs = 5_000;

/**
 * Does the work again while another connection holds the write lock. The work must be one transaction, so that nothing
 * of a failed try is left. Waiting is asynchronous: a lock that SQLite waits for by itself stops the event loop, and
 * for ever if the one who holds it lives in this process.
 */
export async function whileLocked<T>(work: () => T | Promise<T>): Promise<T> {
  for (const deadline = performance.now() + patienceMs; ;) {
    try {
      return await work();
    } catch (error) {
      if (primaryCode(error) !== busy || performance.now() > deadline) throw error;
      // Spread out, or all who wait come back at the same moment.
      await delay(1 + Math.random() * 20);
    }
  }
}

/** The low byte of an extended result code; 0 for what is no error of SQLite's. */
const primaryCode = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
