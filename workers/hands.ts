/** Hands: runs agents in sandboxes. Holds the container socket, and no key that signs anything. */
import { Worker } from '@temporalio/worker';
import { createHandsActivities } from '../activities/hands.ts';
import { createEvidence } from '../activities/ports/evidence.ts';
import { deriveChange } from '../activities/ports/git/derive.ts';
import { createRooms } from '../activities/ports/sandbox/rooms.ts';
import { loadPublicKeys } from '../artifacts/keys.ts';
import { queues } from '../temporal/contract/messages.ts';
import { commonOptions } from './context.ts';
import type { WorkerContext } from './context.ts';
import type { Hired } from './main.ts';
import { openSandboxHost } from './sandbox-host.ts';

export async function hireHands(context: WorkerContext): Promise<Hired> {
  const { worker, timings, paths } = context.config;
  const { artifacts, repositories, sandbox } = await openSandboxHost(context.config);
  const evidence = createEvidence(artifacts, loadPublicKeys(paths.keys), null);
  const activities = createHandsActivities({
    sandbox,
    rooms: createRooms(worker.slots, timings.hostLostAfterMs),
    artifacts,
    repositories,
    deriveChange,
    hostId: worker.hostId,
    verifyJob: (digest) => evidence.open('job', digest),
    heartbeatMs: timings.heartbeatMs,
  });

  const common = commonOptions(context, 'hands');
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: queues.sandbox, activities: { claim: activities.claim } }),
    // Whatever comes to the host's own queue is taken at once, and waits here for its slot, saying that it is alive: a
    // queue that nobody takes from is how a lost host is known.
    Worker.create({
      ...common,
      taskQueue: queues.host(worker.hostId),
      maxConcurrentActivityTaskExecutions: Math.max(100, 2 * worker.slots),
      activities: { runRound: activities.runRound },
    }),
  ]);
  return { workers, close: () => sandbox.close() };
}
