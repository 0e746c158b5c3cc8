/** What hands and validator both have on a host: an engine, a place for worktrees, trusted repositories. */
import { join } from 'node:path';
import { connectEngine } from '../activities/ports/engine/discover.ts';
import { createBaseRepositories } from '../activities/ports/git/base-repositories.ts';
import { createSandbox } from '../activities/ports/sandbox/sandbox.ts';
import { openArtifactDirectory } from '../artifacts/directory-artifact-store.ts';
import { openLogDirectory } from '../artifacts/directory-log-store.ts';
import type { Config } from '../temporal/config.ts';

/** Rejects, saying what to do, when no container engine answers. */
export async function openSandboxHost({ container, home, paths, timings, worker: { hostId, slots } }: Config) {
  const directory = join(paths.hosts, hostId);
  const artifacts = openArtifactDirectory(paths.artifacts);
  const sandbox = createSandbox({
    engine: await connectEngine(container),
    directory,
    artifacts,
    logs: openLogDirectory(paths.logs),
    hostId,
    slots,
    instance: home,
    leaseMs: timings.leaseMs,
  });
  return { artifacts, sandbox, repositories: createBaseRepositories(join(directory, 'repositories'), artifacts) };
}
