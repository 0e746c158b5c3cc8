/** From a name to a container whose command runs (or has ended): worktree and container, made at the same time. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal, trouble } from '../../failures.ts';
import type { ContainerState } from '../engine/port.ts';
import type { SandboxHost } from './attend.ts';
import { both } from './both.ts';
import { assertSameDevice, hostProcess } from './host-process.ts';
import type { HostProcess } from './host-process.ts';
import type { RunPaths } from './paths.ts';
import { saveRun } from './run-record.ts';
import type { OpenedRun, RunRecord } from './run-record.ts';
import { containerSpec, workspace } from './run-spec.ts';
import type { SandboxControl, SandboxTask, Tree } from './task.ts';
import { canMount, makeMountPoint, openWorktree } from './worktree.ts';

export interface PreparedRun {
  readonly paths: RunPaths;
  readonly tree: Tree;
  readonly record: RunRecord;
  /** null: it had been started once and is gone. */
  readonly state: ContainerState | null;
  /** null: no process is left. */
  readonly process: HostProcess | null;
  /** Whether an attempt before this one has let the command go. */
  readonly letGoBefore: boolean;
}

export async function prepareRun(
  host: SandboxHost,
  task: SandboxTask<unknown>,
  paths: RunPaths,
  { isNew, record }: OpenedRun,
  control: SandboxControl,
): Promise<PreparedRun> {
  const { engine } = host;
  const owner = canMount ? { uid: record.uid, gid: record.uid } : ownUser();
  const tree: Tree = { directory: paths.tree, ...owner };
  control.onProgress?.({ container: task.name, phase: 'preparing', outputBytes: 0 });

  const run = { paths, tree, record, letGoBefore: record.releasedAtMs !== null };
  const before = isNew ? null : await engine.state(task.name);
  if (before === null && record.started) return { ...run, state: null, process: null };
  if (before === null) await makeMountPoint(paths);
  await both([
    openWorktree(host.directory, paths, task.limits, owner),
    before === null ? engine.create(containerSpec(task, paths, owner, host)) : Promise.resolve(),
  ]);
  if (before !== null && (before.phase === 'exited' || record.releasedAtMs !== null)) {
    return { ...run, state: before, process: hostProcess(before.pid) };
  }

  await saveRun(paths, { ...record, started: true });
  const [state] = await both([startAndLook(host, task.name, paths), fillAfresh(task, tree, isNew)]);
  const releasedAtMs = Date.now();
  const released = { ...record, started: true, releasedAtMs, deadlineMs: releasedAtMs + task.timeoutMs };
  await saveRun(paths, released);
  return { ...run, record: released, state, process: hostProcess(state.pid) };
}

async function startAndLook({ engine }: SandboxHost, name: string, paths: RunPaths): Promise<ContainerState> {
  await engine.start(name);
  const state = await engine.state(name);
  if (state === null) {
    throw trouble(failures.sandboxUnavailable, `${engine.kind} started ${name} and does not know it any more`);
  }
  if (canMount && state.pid > 0) assertSameDevice(state.pid, workspace, paths.tree);
  if (state.phase !== 'running' || hostProcess(state.pid) !== null) return state;
  const after = await engine.state(name);
  if (after?.phase === 'exited') return after;
  // Its end could not be told from its life, and its worktree would be read while it is written.
  throw refusal(
    failures.badInput,
    `${engine.kind} says that ${name} is process ${state.pid}, and this host has none: run the worker where the engine runs`,
  );
}

/** Nothing has run in the tree yet: what is in it is the half work of an attempt before us. */
async function fillAfresh(task: SandboxTask<unknown>, tree: Tree, isNew: boolean): Promise<void> {
  if (!isNew) {
    const left = await readdir(tree.directory);
    await Promise.all(left.map((name) => rm(join(tree.directory, name), { recursive: true, force: true })));
  }
  await task.fill(tree);
}

/** Without root every file must stay ours to remove. */
const ownUser = () => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
