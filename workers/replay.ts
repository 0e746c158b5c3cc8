/** Replays one session's history against today's workflow code: `node workers/replay.ts HISTORY.json`. */
import { readFile } from 'node:fs/promises';
import { DeterminismViolationError } from '@temporalio/workflow';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { ReplayWorkerOptions } from '@temporalio/worker';
import { z } from 'zod';
import { currentBundle } from '../temporal/bundle.ts';
import { loadConfig } from '../temporal/config.ts';

/**
 * Resolves when today's code does what the history says was done. Rejects `DeterminismViolationError` when it would do
 * something else: sessions that are running now would break on this code.
 */
export async function replay(
  history: unknown,
  workflowBundle: NonNullable<ReplayWorkerOptions['workflowBundle']>,
): Promise<void> {
  const [{ workflowExecutionStartedEventAttributes: started }] = historySchema.parse(history).events;
  await Worker.runReplayHistory({ workflowBundle }, history, started.workflowId);
}

/** A session's workflow knows its own id. */
const historySchema = z.object({
  events: z.tuple(
    [z.object({ workflowExecutionStartedEventAttributes: z.object({ workflowId: z.string() }) })],
    z.unknown(),
  ),
});

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) {
    process.stderr.write('usage: node workers/replay.ts HISTORY.json\n');
    process.exit(2);
  }
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  try {
    const codePath = await currentBundle(loadConfig().paths.bundle);
    await replay(JSON.parse(await readFile(file, 'utf8')), { codePath });
    process.stdout.write('replayed: today’s workflow code does what this session did\n');
  } catch (error) {
    const differs = error instanceof DeterminismViolationError;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${differs ? 'today’s workflow code would do something else' : 'not replayed'}: ${message}\n`);
    process.exitCode = 1;
  }
}
