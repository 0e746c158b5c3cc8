/**
 * One attempt at a run, from whatever an earlier attempt left: nothing, a container that was made, runs or has ended, or a
 * result. Each step is safe to repeat, and what the next attempt must know is written down before the step it is about.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ArtifactStore, LogStore } from '../../../artifacts/artifact-store.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { trouble } from '../../failures.ts';
import { StartFailed } from '../engine/port.ts';
import type { ContainerEngine, ContainerState } from '../engine/port.ts';
import { both } from './both.ts';
import { archiveWords, closeOutput } from './output-archive.ts';
import { OutputCopy } from './output-copy.ts';
import { createPublisher } from './output-publisher.ts';
import type { Publisher } from './output-publisher.ts';
import { runPaths } from './paths.ts';
import type { RunPaths } from './paths.ts';
import { prepareRun } from './prepare.ts';
import type { PreparedRun } from './prepare.ts';
import { keepResult, readResult } from './results.ts';
import { keepLease, openRun, readRun } from './run-record.ts';
import type { SandboxControl, SandboxOutcome, SandboxTask } from './task.ts';
import { killedCode, verdictOf } from './verdict.ts';
import { watchRun } from './watch.ts';
import type { Watched } from './watch.ts';
import { hasWorktree } from './worktree.ts';

export interface SandboxHost {
  readonly engine: ContainerEngine;
  /** Everything this host keeps for its sandboxes; workers and reaper of one host share it. */
  readonly directory: string;
  readonly logs: LogStore;
  readonly artifacts: ArtifactStore;
  readonly hostId: string;
  /** Names this installation in labels. */
  readonly instance: string;
  readonly leaseMs: number;
}

const shellNeeded = 'it needs /bin/sh, cat, sleep and timeout';
const engineSettlesWithinMs = 60_000;

/** Resolves with what the run came to, kept for every later attempt. Rejects with the run as it is, for the next one. */
export async function attend<T>(
  host: SandboxHost,
  task: SandboxTask<T>,
  control: SandboxControl,
): Promise<SandboxOutcome<T>> {
  const paths = runPaths(host.directory, task.name);
  const kept = await readResult(paths, task.collected);
  if (kept?.kind === 'outcome') return kept.outcome;
  if (kept?.kind === 'reaped') return neverRan(host, 'killed', kept.reason);

  // Called off before it began: nothing is started only to be killed.
  if (control.signal.aborted && (await readRun(paths)) === null) throw control.signal.reason;
  const opened = await openRun(host.directory, paths, task.name);
  const endLease = keepLease(paths, host.leaseMs);
  try {
    const outcome = await runToEnd(host, task, control, await prepareRun(host, task, paths, opened, control));
    await keepResult(paths, outcome);
    return outcome;
  } catch (error) {
    if (!(error instanceof StartFailed)) throw error;
    const outcome = await neverRan<T>(host, 'start_failed', `the container could not be started: ${error.message}`);
    await keepResult(paths, outcome);
    return outcome;
  } finally {
    endLease();
  }
}

async function runToEnd<T>(
  host: SandboxHost,
  task: SandboxTask<T>,
  control: SandboxControl,
  run: PreparedRun,
): Promise<SandboxOutcome<T>> {
  const { paths, tree } = run;
  if (run.state === null && !(await hasWorktree(paths))) {
    return neverRan(host, 'killed', 'the container is gone, and so is its worktree: somebody removed both');
  }
  // Without a process to watch, only the engine can say that nobody writes to the worktree any more.
  if (run.process === null && run.state !== null) await settled(host.engine, task.name);
  const capBytes = task.limits.outputBytes;
  const copy = await OutputCopy.open(paths, capBytes);
  try {
    const publisher = await createPublisher(host.logs, task, paths);
    const watched = await watchRun(host.engine, task, control, run, copy, publisher);
    control.onProgress?.({ container: task.name, phase: 'collecting', outputBytes: copy.kept });
    const released = run.record.releasedAtMs !== null;
    const collecting = released && watched.ending !== 'cancelled' ? task.collect(tree) : Promise.resolve(null);
    const [state, collected, printed] = await both([
      run.state === null ? vanished : settled(host.engine, task.name),
      collecting,
      keepOutput(host, paths, copy, publisher, capBytes),
    ]);
    if (watched.passedGate === false && watched.ending === null && state.exitCode !== killedCode) {
      return neverRan(
        host,
        'start_failed',
        `the image's own start failed (exit code ${state.exitCode}): ${shellNeeded}`,
      );
    }
    return { ...facts(run, watched, state, copy), ...printed, collected };
  } finally {
    await copy.close();
  }
}

async function keepOutput(
  { artifacts }: SandboxHost,
  paths: RunPaths,
  copy: OutputCopy,
  publisher: Publisher,
  capBytes: number,
) {
  const { closing, archive } = await closeOutput(artifacts, paths, copy, capBytes);
  const [output, chunks] = await both([archive(), publisher.finish(closing)]);
  return { output, chunks };
}

/** Somebody removed a container that had been started. It must not be started again: what is left is what there is. */
const vanished = Promise.resolve<ContainerState>({
  phase: 'exited',
  pid: 0,
  exitCode: killedCode,
  oomKilled: false,
  finishedAtMs: 0,
});

function facts({ record }: PreparedRun, watched: Watched, state: ContainerState, copy: OutputCopy) {
  const endedAtMs = state.finishedAtMs || watched.endedAtMs;
  const verdict = verdictOf({
    ending: watched.ending,
    exitCode: state.exitCode,
    outOfMemory: watched.oomKills > 0 || state.oomKilled,
    overOutputLimit: copy.overLimit,
    endedAtMs,
    deadlineMs: record.deadlineMs,
  });
  const durationMs = Math.max(0, Math.round(endedAtMs - (record.releasedAtMs ?? endedAtMs)));
  return { verdict, durationMs, exitCode: verdict === 'exited' ? state.exitCode : null };
}

/** The engine's word on the end, which comes a little after the kernel's. */
async function settled(engine: ContainerEngine, name: string): Promise<ContainerState> {
  const deadline = Date.now() + engineSettlesWithinMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    const state = await engine.state(name);
    if (state === null) return vanished;
    if (state.phase === 'exited') return state;
    if (Date.now() > deadline) {
      throw trouble(
        failures.sandboxUnavailable,
        `${engine.kind} still says that ${name} runs, ${engineSettlesWithinMs} ms after its last process ended`,
      );
    }
    await delay(pauseMs);
  }
}

async function neverRan<T>(
  { artifacts }: SandboxHost,
  verdict: 'killed' | 'start_failed',
  why: string,
): Promise<SandboxOutcome<T>> {
  const output = await archiveWords(artifacts, why);
  return { verdict, exitCode: null, durationMs: 0, output, chunks: 0, collected: null };
}
