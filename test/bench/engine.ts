/** One container engine for all sides of a run: its own, unless AAS_CONTAINER_HOST names one. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectEngine } from '../../activities/ports/engine/discover.ts';
import { startDockerService, startPodmanService } from '../../activities/ports/engine/service.ts';
import { loadConfig } from '../../temporal/config.ts';
import { ensureSandboxImage } from '../../workers/stack/sandbox-image.ts';
import { root } from './bench.ts';

export type EngineKind = 'docker' | 'podman';

export interface BenchEngine {
  readonly kind: EngineKind;
  /** `unix:///path` */
  readonly host: string;
}

/** Starts an engine whose images stay in `.tools/engines`, so that the sandbox image is imported once. */
export async function borrowEngine(borrowed: AsyncDisposableStack, wanted?: EngineKind): Promise<BenchEngine> {
  const { host: configured } = loadConfig().container;
  const kind = wanted ?? (isInstalled('dockerd') ? 'docker' : 'podman');
  const host = wanted === undefined && configured !== undefined ? configured : await ownEngine(borrowed, kind);
  await ensureSandboxImage(host, join(root, '.tools', 'sandbox', 'aas-sandbox.tar'));
  return { kind: (await connectEngine({ host })).kind, host };
}

async function ownEngine(borrowed: AsyncDisposableStack, kind: EngineKind): Promise<string> {
  const sockets = await mkdtemp(join(tmpdir(), 'aas-bench-'));
  borrowed.defer(() => rm(sockets, { recursive: true, force: true }));
  const place = join(root, '.tools', 'engines', `bench-${kind}`);
  const start = kind === 'docker' ? startDockerService : startPodmanService;
  const starting = start({ root: place, socket: join(sockets, 'engine.sock'), log: `${place}.log` });
  // Before it is there: an interrupted run must not leave a daemon behind.
  borrowed.defer(() => starting.then((service) => service.stop(), ignore));
  return `unix://${(await starting).socket}`;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const ignore = () => undefined;
