/**
 * Removes what nobody attends any more: containers whose lease or deadline has passed, and worktrees, user numbers and old
 * results without an owner. It touches no container without our instance label, and no file outside the host's directory.
 */
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerEngine, OwnedContainer } from '../engine/port.ts';
import { disposeRun } from './dispose.ts';
import { exists, orNull } from './files.ts';
import { labels } from './labels.ts';
import { resultsIn, runPaths, runsIn, uidsIn } from './paths.ts';
import { keepReaped, resultsKeptMs } from './results.ts';

export interface ReapScope {
  readonly engine: ContainerEngine;
  /** The host's sandbox directory, the one its workers were given. */
  readonly directory: string;
  readonly instance: string;
  readonly hostId: string;
  /** A run whose lease was not renewed for this long is abandoned. */
  readonly leaseMs: number;
}

export interface Reaped {
  readonly name: string;
  readonly what: 'container' | 'worktree';
  readonly reason: string;
}

/** One round. Resolves with what was removed; safe to repeat after a crash at any point. */
export async function reap(scope: ReapScope): Promise<Reaped[]> {
  const { engine, directory, instance, hostId } = scope;
  const ours = (await engine.list(labels.instance, instance)).filter(
    ({ labels: worn }) => worn[labels.host] === hostId,
  );
  const reaped: Reaped[] = [];
  for (const container of ours) {
    const reason = await whyReap(scope, container);
    if (reason === null) continue;
    await reapContainer(scope, container, reason);
    reaped.push({ name: container.name, what: 'container', reason });
  }
  const alive = new Set(ours.map(({ name }) => name));
  for (const name of await entries(runsIn(directory))) {
    if (alive.has(name) || !(await isAbandoned(scope, name))) continue;
    await disposeRun(engine, directory, name);
    reaped.push({ name, what: 'worktree', reason: 'it has no container and no owner' });
  }
  await forgetOld(scope);
  return reaped;
}

/** A container whose worktree lies elsewhere, such as in a home that was moved, has no lease that we could see renewed. */
const isHere = ({ directory }: ReapScope, { labels: worn }: OwnedContainer) => worn[labels.directory] === directory;

async function whyReap(scope: ReapScope, container: OwnedContainer): Promise<string | null> {
  // A label we did not write is no licence to run for ever.
  const deadlineMs = Number(container.labels[labels.deadline] ?? 0);
  if (!(Date.now() < deadlineMs)) return 'its deadline has passed';
  const { lease } = runPaths(scope.directory, container.name);
  const attended = isHere(scope, container) ? await orNull(stat(lease)) : null;
  const silentMs = Date.now() - (attended?.mtimeMs ?? container.createdAtMs);
  return silentMs > scope.leaseMs ? `nobody attended it for ${Math.round(silentMs / 1000)} s` : null;
}

async function reapContainer(scope: ReapScope, container: OwnedContainer, reason: string): Promise<void> {
  const { engine, directory } = scope;
  const { name } = container;
  if (!isHere(scope, container)) return engine.remove(name);
  const paths = runPaths(directory, name);
  // Before the container goes: an attempt that comes after must find that it is not to start another one.
  if (!(await exists(paths.result))) await keepReaped(paths, `the sandbox was removed by the reaper: ${reason}`);
  return disposeRun(engine, directory, name);
}

async function isAbandoned({ directory, leaseMs }: ReapScope, name: string): Promise<boolean> {
  const paths = runPaths(directory, name);
  const sign = (await orNull(stat(paths.lease))) ?? (await orNull(stat(paths.folder)));
  return sign !== null && Date.now() - sign.mtimeMs > leaseMs;
}

/** Numbers of runs that are gone, and results that no attempt can ask for any more. */
async function forgetOld({ directory, leaseMs }: ReapScope): Promise<void> {
  for (const uid of await entries(uidsIn(directory))) {
    const claim = join(uidsIn(directory), uid);
    if (!(await isOlder(claim, leaseMs))) continue;
    const name = await orNull(readFile(claim, 'utf8'));
    if (name !== null && !(await exists(runPaths(directory, name).folder))) await rm(claim, { force: true });
  }
  for (const result of await entries(resultsIn(directory))) {
    const path = join(resultsIn(directory), result);
    if (await isOlder(path, resultsKeptMs)) await rm(path, { force: true });
  }
}

const entries = async (folder: string): Promise<string[]> => (await orNull(readdir(folder))) ?? [];

async function isOlder(path: string, ms: number): Promise<boolean> {
  const entry = await orNull(stat(path));
  return entry !== null && Date.now() - entry.mtimeMs > ms;
}
