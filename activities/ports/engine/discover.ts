/** Finds the container engine of this host. */
import { access, constants } from 'node:fs/promises';
import { failures } from '../../../temporal/contract/messages.ts';
import { trouble } from '../../failures.ts';
import { connectSocket } from './dockerode-engine.ts';
import type { ContainerEngine } from './port.ts';

export interface EnginePlace {
  /** `unix:///path` or `/path`, from AAS_CONTAINER_HOST or DOCKER_HOST; then no other place is looked at. */
  readonly host?: string | undefined;
  /** XDG_RUNTIME_DIR: where a rootless Podman listens. */
  readonly runtimeDir?: string | undefined;
}

/**
 * The engine at `host`, else the first that answers of: Docker's socket, Podman's user socket, Podman's system socket.
 * Rejects `Sandbox.Unavailable` with what was tried and what to do.
 */
export async function connectEngine({ host, runtimeDir }: EnginePlace): Promise<ContainerEngine> {
  if (host !== undefined) return connectSocket(socketOf(host));
  const tried: string[] = [];
  for (const socket of usualSockets(runtimeDir)) {
    try {
      await access(socket, constants.R_OK | constants.W_OK);
      return await connectSocket(socket);
    } catch (error) {
      tried.push(`  ${socket}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw trouble(
    failures.sandboxUnavailable,
    `No container engine answers on this host. Tried:\n${tried.join('\n')}\n` +
      'Start Docker or Podman (`podman system service --time 0`), or set AAS_CONTAINER_HOST=unix:///path/to/its.sock',
  );
}

/** Where engines listen, in the order in which they are looked for. */
export const usualSockets = (runtimeDir: string | undefined): string[] => [
  '/var/run/docker.sock',
  ...(runtimeDir === undefined ? [] : [`${runtimeDir}/podman/podman.sock`]),
  '/run/podman/podman.sock',
];

/** Worktrees are mounted on this host, so only an engine on this host can run on them. */
function socketOf(host: string): string {
  const path = host.startsWith('unix://') ? host.slice('unix://'.length) : host;
  if (path.startsWith('/')) return path;
  throw trouble(
    failures.sandboxUnavailable,
    `AAS_CONTAINER_HOST (or DOCKER_HOST) is ${host}, but sandboxes need an engine on the same host: expected unix:///path`,
  );
}
