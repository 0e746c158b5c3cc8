/** The same work as a bare Temporal workflow: two container steps, a signal, and nothing that AAS adds. */
import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BareActivities, BareRequest } from './activities.ts';

const { run, check, apply } = proxyActivities<BareActivities>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 1 },
});

const approveSignal = defineSignal('approve');
/** Answers with the check's exit code once it has run. */
const checkedUpdate = defineUpdate<number>('checked');

export async function bare(request: BareRequest): Promise<void> {
  let approved = false;
  let exitCode: number | null = null;
  setHandler(approveSignal, () => {
    approved = true;
  });
  setHandler(checkedUpdate, async () => {
    await condition(() => exitCode !== null);
    return exitCode ?? -1;
  });
  const change = await run(request);
  exitCode = await check({ ...request, ...change });
  await condition(() => approved);
  await apply({ ...request, ...change });
}
