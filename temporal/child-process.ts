/** Processes that live no longer than we do. */
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';

export interface TiedOptions {
  /** The child's whole environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly stdio: StdioOptions;
  readonly cwd?: string;
  /** What the kernel sends it when we are gone. Default: SIGKILL. */
  readonly onParentDeath?: 'TERM' | 'KILL';
}

/**
 * The signal is asked for after the fork, so a parent that was killed in between would leave an orphan: the child looks
 * who its parent is once the signal is set, and goes no further when that is no longer us.
 */
const unlessOrphaned = 'test "$PPID" = "$0" && exec "$@"';

/**
 * Starts a program that does not outlive this process, however this process ends: the kernel's parent-death signal also
 * follows a SIGKILL, after which no handler of ours could run. (It is the death of the calling thread that counts.) The
 * program is in a group of its own, so that Ctrl-C reaches us alone, who know the order to stop things in.
 *
 * Rejects when no process can be made; a program that does not exist ends with 127 and says so on stderr.
 */
export async function spawnTied(argv: readonly [string, ...string[]], options: TiedOptions): Promise<ChildProcess> {
  const { onParentDeath = 'KILL', ...rest } = options;
  const tie = ['--pdeathsig', onParentDeath, '--', 'sh', '-c', unlessOrphaned, String(process.pid)];
  const child = spawn('setpriv', [...tie, ...argv], { ...rest, detached: true, shell: false });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new Error(`${argv[0]} could not be started: is setpriv (package util-linux) installed?`, { cause });
  }
  return child;
}

/** The pid of a child that `spawnTied` has started. */
export function processId(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('The process was never started');
  return child.pid;
}

export const hasExited = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** SIGTERM, then SIGKILL for what has not ended after `graceMs`. Resolves when the process is gone. */
export async function stopProcess(child: ChildProcess, graceMs: number): Promise<void> {
  if (hasExited(child)) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(deadline);
}
