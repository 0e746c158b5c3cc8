/** What the running stack tells others about itself, and the lock that makes it the only one of its home. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Config } from '../../temporal/config.ts';

export interface StackState {
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  /** False until every process has said that it is ready. */
  readonly ready: boolean;
  readonly temporal: { readonly address: string; readonly ui: string | null };
  readonly api: { readonly url: string };
  readonly container: { readonly host: string };
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly restarts: number }[];
}

type Home = Pick<Config, 'paths'>;
const stateFile = ({ paths }: Home): string => join(paths.run, 'stack.json');

export function writeState(config: Home, state: StackState): void {
  const file = stateFile(config);
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export const removeState = (config: Home): void => rmSync(stateFile(config), { force: true });

/** The state of the stack that runs now, or undefined: a file left by one that was killed is no stack. */
export function readState(config: Home): StackState | undefined {
  const release = lockStack(config, 0);
  if (release === undefined) return readFile(config);
  release();
  return undefined;
}

/**
 * Ends what a stack that was killed could not take along: an engine outlives its parent. Only for whoever holds the lock.
 * A pid may be somebody else's by now, so only a process whose arguments name this home is ended.
 */
export function endLeftovers(config: Home & Pick<Config, 'home'>): void {
  for (const { pid } of readFile(config)?.processes ?? []) {
    if (commandLine(pid).includes(config.home)) process.kill(pid, 'SIGTERM');
  }
}

function readFile(config: Home): StackState | undefined {
  try {
    return JSON.parse(readFileSync(stateFile(config), 'utf8')) as StackState;
  } catch {
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Takes the lock of this home, or undefined when another process has it. The kernel holds it (SQLite's file lock), so it
 * ends with its process and is never stale. The default wait outlasts those who only look.
 */
export function lockStack({ paths }: Home, waitMs = 500): (() => void) | undefined {
  mkdirSync(paths.run, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(paths.run, 'lock'), { timeout: waitMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return () => lock.close();
  } catch (error) {
    lock.close();
    if (error instanceof Error && error.message.includes('locked')) return undefined;
    throw error;
  }
}
