/** A store in a folder of its own, which is gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../store/open-store.ts';
import type { StoreUnderTest } from './store-contract.ts';

export async function openSqliteFile(): Promise<StoreUnderTest & { readonly file: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'aas-store-'));
  const file = join(directory, 'store.sqlite');
  const store = await openStore(file);
  return {
    file,
    store,
    reopen: () => openStore(file),
    release: async () => {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
