/** Which container engine there is, asked over plain HTTP. */
import { request } from 'node:http';
import { usualSockets } from '../../activities/ports/engine/discover.ts';
import type { Config } from '../../temporal/config.ts';

const PING_TIMEOUT_MS = 2_000;

/** The socket of an engine written `unix:///path` or `/path`. Others cannot be used: worktrees are mounted on this host. */
export function engineSocketPath(host: string): string {
  const path = host.startsWith('unix://') ? host.slice('unix://'.length) : host;
  if (path.startsWith('/')) return path;
  throw new Error(`${host} is no container engine of this host: expected unix:///path/to.sock in AAS_CONTAINER_HOST`);
}

/** Whether an engine answers at the socket. */
export function engineAnswers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: PING_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once('timeout', () => ping.destroy());
    ping.once('error', () => resolve(false));
    ping.once('close', () => resolve(false));
    ping.end();
  });
}

/**
 * The engine to use, as `unix:///path`: the configured one, else the first usual socket that answers, else undefined.
 * Rejects when the configured one does not answer: whoever names an engine does not want another.
 */
export async function findEngine({ container }: Pick<Config, 'container'>): Promise<string | undefined> {
  if (container.host !== undefined) {
    const socket = engineSocketPath(container.host);
    if (await engineAnswers(socket)) return `unix://${socket}`;
    throw new Error(`No container engine answers at ${socket}: start it, or unset AAS_CONTAINER_HOST and DOCKER_HOST`);
  }
  for (const socket of usualSockets(container.runtimeDir)) {
    if (await engineAnswers(socket)) return `unix://${socket}`;
  }
  return undefined;
}
