/**
 * Control for no-op sessions: the real workflows, `record`, `verifyDecision`, promotion requests and seals, with the real
 * store and keys. What would need a repository answers at once.
 */
import { NativeConnection, Worker } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { createDecisionActivities } from '../../../activities/decisions.ts';
import { createEvidence } from '../../../activities/ports/evidence.ts';
import { createRecordActivities } from '../../../activities/records.ts';
import { endsSession } from '../../../activities/seal.ts';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import { loadPublicKeys, loadSigner } from '../../../artifacts/keys.ts';
import { openStore } from '../../../store/open-store.ts';
import { currentBundle } from '../../../temporal/bundle.ts';
import { loadConfig } from '../../../temporal/config.ts';
import { connectTemporalClient } from '../../../temporal/connection.ts';
import { queues } from '../../../temporal/contract/messages.ts';
import type { ControlActivities, RecordRequest } from '../../../temporal/contract/messages.ts';
import { commonOptions } from '../../../workers/context.ts';
import { startSealer } from '../../../workers/sealer.ts';
import { createLogger, installRuntime } from '../../../workers/runtime.ts';
import { admittedJob, passingSteps } from '../../helpers/fake-steps.ts';
import { runWorkers } from './run-workers.ts';

const config = loadConfig();
const logger = createLogger(config, 'control');
installRuntime(logger);
const connection = await NativeConnection.connect({ address: config.temporal.address });
const temporal = await connectTemporalClient(config.temporal, 'control');
const { paths } = config;
const artifacts = openArtifactDirectory(paths.artifacts);
const evidence = createEvidence(artifacts, loadPublicKeys(paths.keys), loadSigner(paths.keys, 'control'));
const store = await openStore(paths.store);

const sealing = { artifacts, store, temporal: temporal.client, onSealed: () => {} };
const sealer = startSealer(sealing, config.timings.sweepMs, logger);
const onRecorded = (records: readonly RecordRequest[]) => {
  if (endsSession(records)) sealer.poke();
};
const { admit, plan, inspect, subject } = passingSteps();
const hourMs = 3_600_000;
const activities: ControlActivities = {
  ...createRecordActivities({ store, temporal: temporal.client, onRecorded }),
  ...createDecisionActivities({ artifacts, evidence, agents: ['command'] }),
  admit: async (request) => {
    const admission = await admit(request);
    if (admission.verdict !== 'admitted') return admission;
    // A thousand of them wait at their gates while they are measured.
    const deadlines = { planMs: hourMs, approvalMs: hourMs, fallbackMs: hourMs };
    return { ...admission, job: admittedJob({ target: admission.job.target, deadlines }) };
  },
  plan,
  inspect,
  subject,
};

await runWorkers([
  await Worker.create({
    ...commonOptions({ config, connection, logger, metrics: new Registry() }, 'control'),
    taskQueue: queues.sessions,
    workflowBundle: { codePath: await currentBundle(paths.bundle) },
    activities,
    maxConcurrentLocalActivityExecutions: 50,
  }),
]);
