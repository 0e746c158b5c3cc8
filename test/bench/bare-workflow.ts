/** The bare Temporal workflow, ready to be run once at a time. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lazyTemporalClient } from '../../temporal/connection.ts';
import type { BareArgument } from './bare/main.ts';
import type { bare } from './bare/workflow.ts';
import { borrowChild } from './child.ts';
import { checkArgv, fixArgv } from './example-job.ts';
import type { Stack } from './stack.ts';

const main = fileURLToPath(new URL('./bare/main.ts', import.meta.url));

/** Starts its worker on the stack's server and engine. Resolves with what runs one and says its milliseconds. */
export async function borrowBareWorkflow(
  borrowed: AsyncDisposableStack,
  { config, places }: Stack,
  repository: string,
): Promise<() => Promise<number>> {
  const home = await mkdtemp(join(tmpdir(), 'aas-bare-'));
  borrowed.defer(() => rm(home, { recursive: true, force: true }));
  const { address } = places.temporal;
  const argument: BareArgument = { address, engineHost: places.container.host, home };
  await borrowChild(borrowed, main, argument);
  const temporal = lazyTemporalClient({ address, namespace: config.temporal.namespace }, 'bench');
  borrowed.defer(() => temporal.close());

  return async () => {
    const name = `bare-${randomUUID().slice(0, 8)}`;
    const began = performance.now();
    const handle = await temporal.client.workflow.start<typeof bare>('bare', {
      taskQueue: 'bare',
      workflowId: name,
      args: [{ name, repository, argv: fixArgv, check: checkArgv }],
    });
    const exitCode = await handle.executeUpdate<number, []>('checked');
    if (exitCode !== 0) throw new Error(`The bare workflow's check ended with ${exitCode}`);
    await handle.signal('approve');
    await handle.result();
    return performance.now() - began;
  };
}
