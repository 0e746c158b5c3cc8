/** A host's sandboxes in a folder of their own, for one test: real engine, real worktrees, real stores. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { connectEngine } from '../../../activities/ports/engine/discover.ts';
import type { ContainerEngine } from '../../../activities/ports/engine/port.ts';
import { disposeRun } from '../../../activities/ports/sandbox/dispose.ts';
import { labels } from '../../../activities/ports/sandbox/labels.ts';
import { createSandbox } from '../../../activities/ports/sandbox/sandbox.ts';
import type { Sandbox } from '../../../activities/ports/sandbox/sandbox.ts';
import type {
  SandboxControl,
  SandboxLimits,
  SandboxOutcome,
  SandboxTask,
} from '../../../activities/ports/sandbox/task.ts';
import type { ArtifactStore, LogStore } from '../../../artifacts/artifact-store.ts';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import { openLogDirectory } from '../../../artifacts/directory-log-store.ts';
import type { ArtifactRef } from '../../../temporal/contract/messages.ts';
import type { TestEngine } from '../../helpers/engine-setup.ts';

export const mebibyte = 1024 * 1024;
export const image = 'aas-sandbox:1';

export const limits: SandboxLimits = {
  memoryBytes: 256 * mebibyte,
  cpus: 2,
  pids: 128,
  outputBytes: 64 * mebibyte,
  worktreeBytes: 128 * mebibyte,
  worktreeInodes: 4096,
};

let runs = 0;

/** A task that writes nothing and collects nothing; `over` says what is different. */
export function task(
  argv: readonly string[],
  over: Partial<SandboxTask<string | null>> = {},
): SandboxTask<string | null> {
  runs += 1;
  return {
    name: `aas-test-${process.pid}-${Date.now().toString(36)}-${runs}`,
    session: `s-${process.pid}-${runs}`,
    stream: 'round-1',
    image,
    argv,
    environment: {},
    limits,
    timeoutMs: 60_000,
    fill: () => Promise.resolve(),
    collect: () => Promise.resolve(null),
    collected: z.string().nullable(),
    ...over,
  };
}

export const shell = (script: string, over: Partial<SandboxTask<string | null>> = {}) =>
  task(['bash', '-c', script], over);

export const attended = (over: Partial<SandboxControl> = {}): SandboxControl => ({
  signal: new AbortController().signal,
  ...over,
});

export interface TestHost {
  readonly engine: ContainerEngine;
  readonly root: string;
  /** The sandbox directory. */
  readonly directory: string;
  readonly instance: string;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly sandbox: Sandbox;
  run(what: SandboxTask<string | null>, control?: SandboxControl): Promise<SandboxOutcome<string | null>>;
  text(output: ArtifactRef): Promise<string>;
  live(what: SandboxTask<unknown>): Promise<string>;
  /** What is left of runs: names of folders, user numbers and containers. */
  leftovers(): Promise<string[]>;
}

/** Everything it made is gone when the test ends, containers of killed processes included. */
export async function openHost({ host }: TestEngine, directory?: string, leaseMs = 60_000): Promise<TestHost> {
  const engine = await connectEngine({ host });
  const root = await mkdtemp(join(tmpdir(), 'aas-host-'));
  const place = { directory: directory ?? join(root, 'sandboxes'), instance: root, hostId: 'test' };
  const artifacts = openArtifactDirectory(join(root, 'artifacts'));
  const logs = openLogDirectory(join(root, 'logs'));
  const sandbox = createSandbox({ ...place, engine, artifacts, logs, leaseMs, slots: 4 });
  const names = async (folder: string) => readdir(join(place.directory, folder)).catch(() => []);
  const containers = async () => (await engine.list(labels.instance, place.instance)).map(({ name }) => name);

  onTestFinished(async () => {
    await sandbox.close();
    for (const name of new Set([...(await containers()), ...(await names('runs'))])) {
      await disposeRun(engine, place.directory, name);
    }
    await rm(root, { recursive: true, force: true });
  });

  return {
    ...place,
    engine,
    root,
    artifacts,
    logs,
    sandbox,
    run: (what, control = attended()) => sandbox.run(what, control),
    text: async ({ digest }) => (await artifacts.get(digest)).toString(),
    live: async ({ session, stream }) => {
      const chunks = await logs.read(session, stream, 0);
      return Buffer.concat(chunks.map(({ bytes }) => bytes)).toString();
    },
    leftovers: async () => {
      await sandbox.close();
      return [...(await names('runs')), ...(await names('uids')), ...(await containers())];
    },
  };
}
