/** `aas up --detach`, `aas down` and `aas status`: the stack as seen from outside its process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../temporal/config.ts';
import { lockStack, readState } from './state.ts';
import type { StackState } from './state.ts';

/** Above the sum of what the stack gives its processes to end. */
const DOWN_TIMEOUT_MS = 60_000;

/** Starts `main up` as a process of its own, with `run/stack.log`, and resolves when the stack is ready. */
export async function upDetached({ paths }: Config, main: string): Promise<void> {
  mkdirSync(paths.run, { recursive: true, mode: 0o700 });
  const logFile = join(paths.run, 'stack.log');
  // Where a stack runs already the file is its own, and what it said stays.
  const log = openSync(logFile, 'a', 0o600);
  const { size } = fstatSync(log);
  const child = spawn(process.execPath, [main, 'up'], { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  const ended = once(child, 'exit').then(() => 'ended' as const);
  const outcome = await Promise.race([once(child, 'message').then(() => 'ready' as const), ended]);
  if (outcome === 'ended')
    throw new Error(
      readFileSync(logFile)
        .subarray(size)
        .toString('utf8')
        .trim()
        .replace(/^.*error: /s, ''),
    );
  child.disconnect();
  child.unref();
}

/** Ends the stack that runs in this home, and resolves with whether one did. */
export async function down(config: Config): Promise<boolean> {
  const state = readState(config);
  if (state === undefined) return false;
  process.kill(state.pid, 'SIGTERM');
  const deadline = Date.now() + DOWN_TIMEOUT_MS;
  for (;;) {
    const release = lockStack(config);
    if (release !== undefined) {
      release();
      return true;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `The stack (pid ${state.pid}) has not ended within ${DOWN_TIMEOUT_MS / 1000} s: see ${config.paths.run}`,
      );
    }
    await delay(50);
  }
}

/** Lines for a person. */
export function describeState(state: StackState | undefined): string[] {
  if (state === undefined) return ['not running. Start it with: aas up'];
  return [
    `${state.ready ? 'running' : 'starting'} since ${state.startedAt} (pid ${state.pid})`,
    `API        ${state.api.url}`,
    `Temporal   ${state.temporal.address}${state.temporal.ui === null ? '' : `, Web UI ${state.temporal.ui}`}`,
    `containers ${state.container.host}`,
    ...state.processes.map(({ name, pid, restarts }) => {
      const again = restarts === 0 ? '' : `, restarted ${restarts} ${restarts === 1 ? 'time' : 'times'}`;
      return `${name.padEnd(10)} pid ${pid}${again}`;
    }),
  ];
}
