/** The container of a task. */
import type { ContainerSpec } from '../engine/port.ts';
import { gateTarget, gatedArgv } from './gate.ts';
import { labels } from './labels.ts';
import type { RunPaths } from './paths.ts';
import type { SandboxTask, Tree } from './task.ts';

export const workspace = '/workspace';

const mebibyte = 1024 * 1024;
/** The worker ends a run at its limit; what runs inside ends it this much later, if no worker is left. */
const ceilingSlackMs = 5_000;
/** From the container's creation to its end: its time limit, and room for writing a large worktree before. */
const preparationMs = 15 * 60_000;

export function containerSpec(
  task: SandboxTask<unknown>,
  paths: RunPaths,
  owner: Pick<Tree, 'uid' | 'gid'>,
  host: { readonly instance: string; readonly hostId: string; readonly directory: string },
): ContainerSpec {
  const { limits, timeoutMs } = task;
  return {
    name: task.name,
    image: task.image,
    argv: gatedArgv(task.argv, Math.ceil((timeoutMs + ceilingSlackMs) / 1000)),
    environment: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/home/agent',
      LANG: 'C.UTF-8',
      ...task.environment,
    },
    ...owner,
    directory: workspace,
    binds: [
      { source: paths.tree, target: workspace },
      { source: paths.spool, target: gateTarget },
    ],
    memoryBytes: limits.memoryBytes,
    cpus: limits.cpus,
    pids: limits.pids,
    // The command must be able to reach its output limit, or it would never be told so.
    fileBytes: Math.max(256 * mebibyte, limits.outputBytes + 64 * mebibyte),
    labels: {
      [labels.instance]: host.instance,
      [labels.session]: task.session,
      [labels.host]: host.hostId,
      [labels.directory]: host.directory,
      [labels.deadline]: String(Date.now() + timeoutMs + preparationMs),
    },
  };
}
