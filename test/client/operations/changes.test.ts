import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchChanges } from '../../../client/operations/changes.ts';

test('a write to the store wakes who waits', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aas-changes-'));
  const changes = watchChanges(join(folder, 'store.sqlite'));
  try {
    const woken = changes.next(15_000);
    const askedAt = performance.now();
    await writeFile(join(folder, 'store.sqlite-wal'), 'x');
    await woken;
    expect(performance.now() - askedAt).toBeLessThan(10_000);
  } finally {
    changes.close();
    await rm(folder, { recursive: true });
  }
});

// A folder that is not there makes `watch` throw at once, as it does when the user has as many watchers as are allowed.
test('where nothing can be watched, waiters look again after their own time', async () => {
  const changes = watchChanges(join(tmpdir(), 'aas-nowhere', 'store.sqlite'));
  await changes.next(1);
  const woken = changes.next(60_000);
  changes.close();
  await woken;
});
