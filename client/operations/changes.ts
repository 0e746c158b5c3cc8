import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

export interface Changes {
  /** Resolves when something may have changed, after `timeoutMs`, or when `signal` aborts; never rejects. */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Many records are written in one go; whoever waits is woken once for them. */
const settleMs = 5;
/** The notice is of a write, which can be read only once it is synced: after the last one, everybody looks once more. */
const syncedMs = 40;

/**
 * Watches the store's file and its write-ahead log, whichever process writes them. A missed notice costs a waiter its
 * `timeoutMs`, so waiters always look again by themselves; another kind of store just never gives notice.
 */
export function watchChanges(storeFile: string): Changes {
  const waiting = new Set<() => void>();
  let soon: NodeJS.Timeout | undefined;
  let last: NodeJS.Timeout | undefined;
  const wakeAll = () => {
    for (const wake of [...waiting]) wake();
  };
  const watcher = watching(dirname(storeFile), (file) => {
    if (waiting.size === 0 || file?.startsWith(basename(storeFile)) === false) return;
    soon ??= setTimeout(() => {
      soon = undefined;
      wakeAll();
    }, settleMs);
    clearTimeout(last);
    last = setTimeout(wakeAll, syncedMs);
  });

  return {
    next: (timeoutMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', wake);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, timeoutMs);
        signal?.addEventListener('abort', wake, { once: true });
        waiting.add(wake);
      }),
    close() {
      watcher?.close();
      clearTimeout(soon);
      clearTimeout(last);
      wakeAll();
    },
  };
}

/**
 * Null when there can be no watcher (the user's limit of them is reached: `watch` throws): the waiters' own time limits
 * still drive them.
 */
function watching(folder: string, notice: (file: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, (_event, file) => notice(file));
    return watcher.on('error', () => watcher.close());
  } catch {
    return null;
  }
}
