/** A container's first process as the host's kernel sees it. When it is gone, so is every other one in there. */
import { readFileSync, statSync } from 'node:fs';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';

export interface HostProcess {
  /** Also true for a zombie: the kernel ends a pid namespace before its first process becomes one. */
  isGone(): boolean;
  /** How often the kernel killed something in its memory cgroup; 0 when that cannot be read. Ask at once after the end. */
  oomKills(): number;
}

/** null when there is no such process. */
export function hostProcess(pid: number): HostProcess | null {
  const started = pid > 0 ? statusOf(pid) : null;
  if (started === null || started.dead) return null;
  const events = memoryEvents(pid);
  return {
    isGone: () => {
      const now = statusOf(pid);
      return now === null || now.dead || now.startTicks !== started.startTicks;
    },
    oomKills: () => {
      const count = events === null ? null : /^oom_kill (\d+)$/m.exec(read(events) ?? '');
      return Number(count?.[1] ?? 0);
    },
  };
}

/**
 * Refuses a container whose /workspace is not the mounted worktree: an engine in another mount namespace binds the plain
 * directory under it, and every limit of the worktree is silently gone (measured).
 */
export function assertSameDevice(pid: number, target: string, directory: string): void {
  let inside: number;
  try {
    inside = statSync(`/proc/${pid}/root${target}`).dev;
  } catch {
    // It has ended meanwhile; nothing runs on the wrong directory.
    return;
  }
  if (inside === statSync(directory).dev) return;
  throw refusal(
    failures.badInput,
    `The container's ${target} is not the mounted worktree: engine and worker do not share one mount namespace. ` +
      'Run both on the host itself, or both in one container',
  );
}

function statusOf(pid: number): { dead: boolean; startTicks: string } | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The second field is the name in brackets, which may hold anything; fields count from behind its last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { dead: fields[0] === 'Z' || fields[0] === 'X', startTicks: fields[19] ?? '' };
}

function memoryEvents(pid: number): string | null {
  const lines = read(`/proc/${pid}/cgroup`)?.split('\n') ?? [];
  const own = lines.find((line) => line.split(':')[1]?.split(',').includes('memory'));
  if (own !== undefined) return `/sys/fs/cgroup/memory${own.split(':')[2] ?? ''}/memory.oom_control`;
  const unified = lines.find((line) => line.startsWith('0::'));
  return unified === undefined ? null : `/sys/fs/cgroup${unified.slice('0::'.length)}/memory.events`;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
