import type { ContainerEngine } from '../engine/port.ts';
import { runPaths } from './paths.ts';
import { readRun } from './run-record.ts';
import { releaseUid } from './uids.ts';
import { removeWorktree } from './worktree.ts';

/**
 * Removes what a run used, its result apart. Every step may have happened before; the record goes last with the folder, so
 * that whoever comes after a crash in the middle finds what is left to do.
 */
export async function disposeRun(engine: ContainerEngine, directory: string, name: string): Promise<void> {
  const paths = runPaths(directory, name);
  await engine.remove(name);
  const record = await readRun(paths).catch(() => null);
  // The number is free again only after its last process: the container is gone by here.
  if (record !== null) await releaseUid(directory, record.uid, name);
  await removeWorktree(paths);
}
