/**
 * What a run came to, kept beside the worktrees before its container is removed, and for days: an attempt that comes after
 * a crash between the container's end and the step's completion returns it instead of starting a second container.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { runVerdictSchema } from '../../../temporal/contract/evidence.ts';
import { artifactRefSchema } from '../../../temporal/contract/primitives.ts';
import { readJson, writeJson } from './files.ts';
import type { RunPaths } from './paths.ts';
import type { SandboxOutcome } from './task.ts';

/** Longer than any step is retried. */
export const resultsKeptMs = 14 * 24 * 3600 * 1000;

const outcomeSchema = z.strictObject({
  verdict: runVerdictSchema,
  exitCode: z.int().nullable(),
  durationMs: z.int(),
  output: artifactRefSchema,
  chunks: z.int(),
});

/** Left by the reaper in place of a result: the run was abandoned, and must not be started again. */
const reapedSchema = z.strictObject({ reaped: z.string() });

export type KeptResult<T> =
  | { readonly kind: 'outcome'; readonly outcome: SandboxOutcome<T> }
  | { readonly kind: 'reaped'; readonly reason: string };

export async function readResult<T>(paths: RunPaths, collected: z.ZodType<T>): Promise<KeptResult<T> | null> {
  const schema = z.union([reapedSchema, outcomeSchema.extend({ collected: collected.nullable() })]);
  const kept = await readJson(paths.result, schema);
  if (kept === null) return null;
  return 'reaped' in kept ? { kind: 'reaped', reason: kept.reaped } : { kind: 'outcome', outcome: kept };
}

export async function keepResult<T>(paths: RunPaths, outcome: SandboxOutcome<T>): Promise<void> {
  await write(paths, outcome);
}

export async function keepReaped(paths: RunPaths, reason: string): Promise<void> {
  await write(paths, { reaped: reason });
}

async function write(paths: RunPaths, value: unknown): Promise<void> {
  await mkdir(dirname(paths.result), { recursive: true });
  await writeJson(paths.result, value);
}
