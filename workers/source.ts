/** Source: the only process that reads requesters' repositories. */
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createSource } from '../activities/ports/git/source.ts';
import { createSourceActivities } from '../activities/source.ts';
import { openArtifactDirectory } from '../artifacts/directory-artifact-store.ts';
import { queues } from '../temporal/contract/messages.ts';
import { commonOptions } from './context.ts';
import type { WorkerContext } from './context.ts';
import type { Hired } from './main.ts';

export async function hireSource(context: WorkerContext): Promise<Hired> {
  const { paths } = context.config;
  const artifacts = openArtifactDirectory(paths.artifacts);
  const source = createSource({ directory: join(paths.source, 'mirrors'), artifacts });
  const worker = await Worker.create({
    ...commonOptions(context, 'source'),
    taskQueue: queues.source,
    activities: createSourceActivities({ source }),
  });
  return { workers: [worker], close: () => Promise.resolve() };
}
