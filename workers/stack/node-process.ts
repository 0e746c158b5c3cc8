/** One of our own mains as a service: a process with its own log file, which says by IPC that it is ready. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processId, spawnTied, stopProcess } from '../../temporal/child-process.ts';
import type { Running, Service } from './supervisor.ts';

export interface ProcessSpec {
  readonly name: string;
  /** A TypeScript main and its arguments. */
  readonly main: readonly [string, ...string[]];
  /** All that the process gets to know. */
  readonly env: Readonly<Record<string, string>>;
}

const READY_TIMEOUT_MS = 60_000;
/** Longer than a worker's own deadline for its activities. */
const STOP_GRACE_MS = 25_000;

/** `logDirectory` holds `<name>.log`, which is appended to. */
export const nodeProcess = (spec: ProcessSpec, logDirectory: string): Service => ({
  name: spec.name,
  start: () => startProcess(spec, join(logDirectory, `${spec.name}.log`)),
});

async function startProcess({ name, main, env }: ProcessSpec, logFile: string): Promise<Running> {
  const log = await open(logFile, 'a', 0o600);
  const { size } = await log.stat();
  const stdio: ['ignore', number, number, 'ipc'] = ['ignore', log.fd, log.fd, 'ipc'];
  const child = await spawnTied([process.execPath, ...main], { env, stdio, onParentDeath: 'TERM' }).finally(() =>
    log.close(),
  );
  const ended = once(child, 'exit').then(() => `ended with ${child.exitCode ?? child.signalCode}`);
  try {
    await becomesReady(child, ended);
  } catch (cause) {
    await stopProcess(child, STOP_GRACE_MS);
    const said = (await readFile(logFile)).subarray(size).toString('utf8').trim().slice(-2_000);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${name} ${reason} before it was ready. ${logFile} says:\n${said}`, { cause });
  }
  return { pid: processId(child), ended, stop: () => stopProcess(child, STOP_GRACE_MS) };
}

async function becomesReady(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const waiting = new AbortController();
  const ready = once(child, 'message', {
    signal: AbortSignal.any([waiting.signal, AbortSignal.timeout(READY_TIMEOUT_MS)]),
  });
  try {
    await Promise.race([
      ready.catch((cause: unknown) => Promise.reject(new Error(`said nothing for ${READY_TIMEOUT_MS} ms`, { cause }))),
      ended.then((how) => Promise.reject(new Error(how))),
    ]);
  } finally {
    waiting.abort();
  }
}
