/** What must be known about a run by whoever attends it next. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { readJson, writeJson } from './files.ts';
import type { RunPaths } from './paths.ts';
import { claimUid } from './uids.ts';

const runRecordSchema = z.strictObject({
  uid: z.int(),
  createdAtMs: z.int(),
  /** Set before the engine is told to start: a container that is gone after this must not be started again. */
  started: z.boolean(),
  /** When the command was let go, and when it must have ended. null: the worktree may be half written. */
  releasedAtMs: z.int().nullable(),
  deadlineMs: z.int().nullable(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

export interface OpenedRun {
  readonly isNew: boolean;
  readonly record: RunRecord;
}

/** Finds the run of this name, or begins it. Takes its lease first, so that no reaper takes it for abandoned. */
export async function openRun(directory: string, paths: RunPaths, name: string): Promise<OpenedRun> {
  await mkdir(paths.folder, { recursive: true });
  await renewLease(paths);
  const known = await readJson(paths.record, runRecordSchema);
  if (known !== null) return { isNew: false, record: known };
  const uid = await claimUid(directory, name);
  const record = { uid, createdAtMs: Date.now(), started: false, releasedAtMs: null, deadlineMs: null };
  await writeJson(paths.record, record);
  return { isNew: true, record };
}

export const readRun = (paths: RunPaths): Promise<RunRecord | null> => readJson(paths.record, runRecordSchema);

export const saveRun = (paths: RunPaths, record: RunRecord): Promise<void> => writeJson(paths.record, record);

async function renewLease(paths: RunPaths): Promise<void> {
  const now = new Date();
  await utimes(paths.lease, now, now).catch(() => writeFile(paths.lease, ''));
}

/** Renews the lease until the returned function is called. */
export function keepLease(paths: RunPaths, leaseMs: number): () => void {
  const timer = setInterval(() => {
    // A folder that is gone was disposed of: whoever attends it finds out by its container.
    renewLease(paths).catch(() => {});
  }, leaseMs / 4);
  return () => clearInterval(timer);
}
