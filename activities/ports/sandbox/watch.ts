/** Attends a released command: copies its output, keeps it within its limits, and notices its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerEngine } from '../engine/port.ts';
import { Bell } from './bell.ts';
import { openGate } from './gate.ts';
import type { OutputCopy } from './output-copy.ts';
import type { Publisher } from './output-publisher.ts';
import type { PreparedRun } from './prepare.ts';
import { Detached } from './task.ts';
import type { SandboxControl, SandboxTask } from './task.ts';
import type { Ending } from './verdict.ts';

/** Live output is at most this late, and a command is over its output limit at most this long. */
const tickMs = 50;
const killAgainMs = 2_000;
/** The gate closes a moment before the kernel has ended the last process. */
const goneWithinMs = 500;

export interface Watched {
  readonly ending: Ending | null;
  /** When no process was left, as far as we saw it. */
  readonly endedAtMs: number;
  readonly oomKills: number;
  /** Whether the command's shell was seen to pass the gate; null when somebody else opened it before. */
  readonly passedGate: boolean | null;
}

/** Resolves when no process of the container is left. Rejects with the signal's reason when that is `Detached`. */
export async function watchRun(
  engine: ContainerEngine,
  task: SandboxTask<unknown>,
  { signal, onProgress }: SandboxControl,
  { paths, process, record, letGoBefore }: PreparedRun,
  copy: OutputCopy,
  publisher: Publisher,
): Promise<Watched> {
  let ending: Ending | null = null;
  let killAtMs = 0;
  let oomKills = 0;
  const bell = new Bell();
  signal.addEventListener('abort', bell.ring);
  let gateClosed = false;
  const closed = Promise.withResolvers<void>();
  let passedGate: boolean | null = letGoBefore ? null : false;
  const gateEvents = {
    onPassed: () => {
      passedGate = true;
    },
    onClosed: () => {
      gateClosed = true;
      closed.resolve();
      bell.ring();
    },
  };
  const leaveGate = process === null || signal.aborted ? () => {} : openGate(paths.gate, gateEvents);
  try {
    while (process !== null && !process.isGone()) {
      if (signal.aborted && signal.reason instanceof Detached) throw signal.reason;
      if (signal.aborted) ending ??= 'cancelled';
      if (record.deadlineMs !== null && Date.now() >= record.deadlineMs) ending ??= 'timeout';
      await copy.pump();
      if (copy.overLimit) ending ??= 'output_limit';
      if (ending !== null && Date.now() >= killAtMs) {
        killAtMs = Date.now() + killAgainMs;
        await engine.kill(task.name);
      }
      publisher.poke();
      onProgress?.({ container: task.name, phase: 'running', outputBytes: copy.kept });
      await bell.wait(tickMs);
      for (const until = Date.now() + goneWithinMs; gateClosed && !process.isGone() && Date.now() < until;)
        await delay(1);
    }
    // A short command is gone before we have read that its shell passed the gate. Without a process the pipe has an end.
    if (passedGate === false && process !== null) await Promise.race([closed.promise, delay(goneWithinMs)]);
    // The engine removes the memory cgroup a few milliseconds from now.
    oomKills = process?.oomKills() ?? 0;
    const endedAtMs = Date.now();
    await copy.pump();
    return { ending, endedAtMs, oomKills, passedGate };
  } finally {
    leaveGate();
    signal.removeEventListener('abort', bell.ring);
  }
}
