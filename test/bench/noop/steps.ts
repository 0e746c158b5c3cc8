/** Every queue but control's own, answered at once: no container, no git. Notes when a promotion reaches its step. */
import { appendFile } from 'node:fs/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { createEvidence } from '../../../activities/ports/evidence.ts';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import { loadPublicKeys, loadSigner } from '../../../artifacts/keys.ts';
import { loadConfig } from '../../../temporal/config.ts';
import { queues } from '../../../temporal/contract/messages.ts';
import type { PromotionRequest, PromotionResult } from '../../../temporal/contract/messages.ts';
import { commonOptions } from '../../../workers/context.ts';
import { createLogger, installRuntime } from '../../../workers/runtime.ts';
import { digest, oid, passingSteps, promoted } from '../../helpers/fake-steps.ts';
import { noteFile } from './promotion-notes.ts';
import type { PromotionNote } from './promotion-notes.ts';
import { runWorkers } from './run-workers.ts';

const config = loadConfig();
const logger = createLogger(config, 'steps');
installRuntime(logger);
const connection = await NativeConnection.connect({ address: config.temporal.address });
const { paths } = config;
const artifacts = openArtifactDirectory(paths.artifacts);
const evidence = createEvidence(artifacts, loadPublicKeys(paths.keys), loadSigner(paths.keys, 'promoter'));

/** Writes nothing, and signs that it did: control believes no promotion without its receipt. */
async function promote(request: PromotionRequest): Promise<PromotionResult> {
  const atMs = Date.now();
  const { sessionId, target, evidence: given } = request;
  const note: PromotionNote = { sessionId, atMs, decision: given.decisions[0] ?? null };
  await appendFile(noteFile(config), `${JSON.stringify(note)}\n`);
  const result = promoted(request);
  if (result.kind !== 'promoted') return result;
  const { mode, ref, commit, baseCommit } = result.promotion;
  const receipt = await evidence.sign('receipt', {
    type: 'aas.dev/promotion-receipt/v1',
    session: sessionId,
    profile: 'personal',
    ...given,
    decisions: [...given.decisions],
    ...{ subject: digest('subject'), target: target.key, mode, ref, commit, baseCommit, tree: oid('tree') },
  });
  return { kind: 'promoted', promotion: { ...result.promotion, receipt } };
}

const { claim, resolveBase, runRound, validate } = passingSteps();
const common = commonOptions({ config, connection, logger, metrics: new Registry() }, 'steps');
await runWorkers(
  await Promise.all([
    Worker.create({ ...common, taskQueue: queues.source, activities: { resolveBase } }),
    Worker.create({ ...common, taskQueue: queues.sandbox, activities: { claim } }),
    Worker.create({ ...common, taskQueue: queues.host('test'), activities: { runRound } }),
    Worker.create({ ...common, taskQueue: queues.validate, activities: { validate } }),
    Worker.create({ ...common, taskQueue: queues.promote, activities: { promote } }),
  ]),
);
