/** Control: the only workflow worker, and the judgements and records of every session. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createControlActivities } from '../activities/control.ts';
import { createEvidence } from '../activities/ports/evidence.ts';
import { createBaseRepositories } from '../activities/ports/git/base-repositories.ts';
import { fixedPlanner } from '../activities/ports/planner.ts';
import { endsSession } from '../activities/seal.ts';
import { openArtifactDirectory } from '../artifacts/directory-artifact-store.ts';
import { loadPublicKeys, loadSigner } from '../artifacts/keys.ts';
import { openStore } from '../store/open-store.ts';
import { currentBundle } from '../temporal/bundle.ts';
import { connectTemporalClient } from '../temporal/connection.ts';
import { queues } from '../temporal/contract/messages.ts';
import { commonOptions } from './context.ts';
import type { WorkerContext } from './context.ts';
import type { Hired } from './main.ts';
import { countRecords, countSessions, measurePolicy } from './control-metrics.ts';
import { startSealer } from './sealer.ts';

/** Hands that this installation has. */
const agents = ['command'];

export async function hireControl(context: WorkerContext): Promise<Hired> {
  const { config, logger, metrics } = context;
  const { paths, policy, profile, timings } = config;
  const artifacts = openArtifactDirectory(paths.artifacts);
  const evidence = createEvidence(artifacts, loadPublicKeys(paths.keys), loadSigner(paths.keys, 'control'));
  const store = await openStore(paths.store);
  const temporal = await connectTemporalClient(config.temporal, `control@${config.worker.hostId}/${process.pid}`);

  const sealing = { artifacts, store, temporal: temporal.client, onSealed: countSessions(metrics) };
  const sealer = startSealer(sealing, timings.sweepMs, logger);
  const count = countRecords(metrics);
  const control = createControlActivities({
    artifacts,
    evidence,
    store,
    agents,
    profile,
    timings,
    temporal: temporal.client,
    onRecorded: (records) => {
      count(records);
      if (endsSession(records)) sealer.poke();
    },
    repositories: createBaseRepositories(join(paths.control, 'repositories'), artifacts),
    planner: fixedPlanner,
    orgLayer: () => readFile(policy.orgLayer, 'utf8'),
    sandboxImage: config.container.image,
  });
  const sessions = await Worker.create({
    ...commonOptions(context, 'control'),
    taskQueue: queues.sessions,
    workflowBundle: { codePath: await currentBundle(paths.bundle) },
    activities: measurePolicy(metrics, control),
    // Only workflows may ask control for a judgement, and they do so in this process: as ordinary activities whoever
    // reaches Temporal could have a record written.
    enableNonLocalActivities: false,
    maxConcurrentLocalActivityExecutions: 50,
  });
  return {
    workers: [sessions],
    close: async () => {
      await sealer.stop();
      await temporal.close();
      await store.close();
    },
  };
}
