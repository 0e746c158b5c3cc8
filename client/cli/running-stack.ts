/** What the supervisor of a running stack says about it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../temporal/config.ts';

const runningStackSchema = z.object({
  pid: z.int(),
  api: z.object({ url: z.url() }),
  temporal: z.object({ address: z.string() }),
  container: z.object({ host: z.string() }),
});
export type RunningStack = z.infer<typeof runningStackSchema>;

/** Null where no stack runs: also when one was killed, and its file stayed. */
export async function runningStack({ paths }: Pick<Config, 'paths'>): Promise<RunningStack | null> {
  try {
    const stack = runningStackSchema.parse(JSON.parse(await readFile(join(paths.run, 'stack.json'), 'utf8')));
    process.kill(stack.pid, 0);
    return stack;
  } catch {
    // No file, one of another version, or of a process that is gone: the configured places are what there is.
    return null;
  }
}
