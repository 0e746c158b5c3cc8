/** Sandboxes of one host: disposable containers on disposable worktrees, each run exactly once. */
import { ApplicationFailure } from '@temporalio/common';
import { attend } from './attend.ts';
import type { SandboxHost } from './attend.ts';
import { disposeRun } from './dispose.ts';
import { tame } from './names.ts';
import { createSlots } from './slots.ts';
import { Detached } from './task.ts';
import { weaknesses } from './worktree.ts';
import type { SandboxControl, SandboxOutcome, SandboxProgress, SandboxTask } from './task.ts';

export interface SandboxOptions extends SandboxHost {
  /** How many containers run at once. */
  readonly slots: number;
}

export interface Sandbox {
  readonly host: SandboxHost;
  /** What does not hold on this host, in words for people. */
  readonly weaknesses: readonly string[];
  /**
   * Runs a task, or joins its run: the one of another attempt in this process, the container that an earlier process left
   * running, or the result it kept. Rejects `Sandbox.Unavailable` (retryable) with everything left for the next attempt.
   */
  run<T>(task: SandboxTask<T>, control: SandboxControl): Promise<SandboxOutcome<T>>;
  /** Resolves when everything that ended is also removed. Running containers are left to the next attempt. */
  close(): Promise<void>;
}

/** One run, and those who wait for it. */
interface Attendance {
  readonly outcome: Promise<SandboxOutcome<unknown>>;
  readonly controller: AbortController;
  readonly members: Set<SandboxControl>;
}

export function createSandbox(options: SandboxOptions): Sandbox {
  const { withSlot } = createSlots(options.slots);
  const attended = new Map<string, Attendance>();
  const disposals = new Set<Promise<void>>();

  /** Off the caller's path: the result is kept already, and the reaper removes what this cannot. */
  function disposeSoon(name: string): void {
    const disposal = disposeRun(options.engine, options.directory, name)
      .catch(() => {})
      .finally(() => disposals.delete(disposal));
    disposals.add(disposal);
  }

  async function runOnce<T>(task: SandboxTask<T>, control: SandboxControl): Promise<SandboxOutcome<T>> {
    try {
      const outcome = await attend(options, task, control);
      disposeSoon(task.name);
      return outcome;
    } catch (error) {
      // No attempt comes after this one.
      if (error instanceof ApplicationFailure && error.nonRetryable) disposeSoon(task.name);
      throw error;
    }
  }

  function begin(task: SandboxTask<unknown>): Attendance {
    const controller = new AbortController();
    const members = new Set<SandboxControl>();
    const onProgress = (progress: SandboxProgress) => members.forEach((member) => member.onProgress?.(progress));
    const outcome = withSlot(() => runOnce(task, { signal: controller.signal, onProgress }), controller.signal);
    const attendance = { outcome, controller, members };
    attended.set(task.name, attendance);
    // Whoever waits gets the rejection, too; this one is only about the map.
    outcome.catch(() => {}).finally(() => attended.delete(task.name));
    return attendance;
  }

  return {
    host: options,
    weaknesses,

    run: async (task, control) => {
      tame(task.name);
      let attendance = attended.get(task.name);
      while (attendance?.controller.signal.aborted) {
        // It is being left or killed; what comes of that is found by attending it again.
        await attendance.outcome.catch(() => {});
        attendance = attended.get(task.name);
      }
      attendance ??= begin(task);
      const outcome = await join(attendance, control);
      return { ...outcome, collected: outcome.collected === null ? null : task.collected.parse(outcome.collected) };
    },

    close: async () => {
      await Promise.allSettled([...attended.values()].map(({ outcome }) => outcome));
      await Promise.all(disposals);
    },
  };
}

/** Waits with the others. A cancellation is for all; who detaches leaves alone, and the last one lets go of the run. */
async function join(
  { outcome, controller, members }: Attendance,
  control: SandboxControl,
): Promise<SandboxOutcome<unknown>> {
  const { signal } = control;
  members.add(control);
  let leave: (() => void) | undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => {
      if (signal.reason instanceof Detached) {
        members.delete(control);
        if (members.size === 0) controller.abort(signal.reason);
        reject(signal.reason);
      } else {
        controller.abort(signal.reason);
      }
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
  });
  try {
    return await Promise.race([outcome, left]);
  } finally {
    members.delete(control);
    if (leave) signal.removeEventListener('abort', leave);
  }
}
