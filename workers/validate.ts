/** The validator: runs checks on clean base + candidate, and signs what it saw with a key of its own. */
import { Worker } from '@temporalio/worker';
import { createEvidence } from '../activities/ports/evidence.ts';
import { readCandidate } from '../activities/ports/git/candidate.ts';
import { createValidateActivities } from '../activities/validate.ts';
import { loadPublicKeys, loadSigner } from '../artifacts/keys.ts';
import { queues } from '../temporal/contract/messages.ts';
import { commonOptions } from './context.ts';
import type { WorkerContext } from './context.ts';
import type { Hired } from './main.ts';
import { openSandboxHost } from './sandbox-host.ts';

export async function hireValidator(context: WorkerContext): Promise<Hired> {
  const { worker, timings, paths } = context.config;
  const { artifacts, repositories, sandbox } = await openSandboxHost(context.config);
  const evidence = createEvidence(artifacts, loadPublicKeys(paths.keys), loadSigner(paths.keys, 'validator'));
  const validator = await Worker.create({
    ...commonOptions(context, 'validator'),
    taskQueue: queues.validate,
    maxConcurrentActivityTaskExecutions: worker.slots,
    activities: createValidateActivities({
      sandbox,
      artifacts,
      repositories,
      hostId: worker.hostId,
      verifyJob: (digest) => evidence.open('job', digest),
      signReport: (report) => evidence.sign('report', report),
      readCandidateDiff: (candidate) => readCandidate(candidate).diff,
      heartbeatMs: timings.heartbeatMs,
    }),
  });
  return { workers: [validator], close: () => sandbox.close() };
}
