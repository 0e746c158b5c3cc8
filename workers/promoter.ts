/** The promoter: the only process that writes to targets. It believes only what others signed, and signs what it wrote. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createEvidence } from '../activities/ports/evidence.ts';
import { createBaseRepositories } from '../activities/ports/git/base-repositories.ts';
import { openPatchOutbox } from '../activities/ports/patch-outbox.ts';
import { createPromotionWriter } from '../activities/ports/promotion-writer.ts';
import { createPromoteActivities } from '../activities/promote.ts';
import { openArtifactDirectory } from '../artifacts/directory-artifact-store.ts';
import { loadPublicKeys, loadSigner } from '../artifacts/keys.ts';
import { parseFloor } from '../policies/floor.ts';
import { queues } from '../temporal/contract/messages.ts';
import { commonOptions } from './context.ts';
import type { WorkerContext } from './context.ts';
import type { Hired } from './main.ts';

export async function hirePromoter(context: WorkerContext): Promise<Hired> {
  const { paths, policy } = context.config;
  const artifacts = openArtifactDirectory(paths.artifacts);
  const worker = await Worker.create({
    ...commonOptions(context, 'promoter'),
    taskQueue: queues.promote,
    activities: createPromoteActivities({
      artifacts,
      evidence: createEvidence(artifacts, loadPublicKeys(paths.keys), loadSigner(paths.keys, 'promoter')),
      repositories: createBaseRepositories(join(paths.promoter, 'repositories'), artifacts),
      writer: createPromotionWriter(openPatchOutbox(paths.promoted)),
      floor: async () => parseFloor(await readFile(policy.floor, 'utf8')),
    }),
  });
  return { workers: [worker], close: () => Promise.resolve() };
}
