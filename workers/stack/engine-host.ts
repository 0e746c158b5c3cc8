/** Which container engine there is, before any of its libraries is loaded. */
import { request } from 'node:http';
import type { RequestOptions } from 'node:http';
import { join } from 'node:path';
import type { Config } from '../../temporal/config.ts';

const PING_TIMEOUT_MS = 2_000;

/** What `http.request` needs to reach a host written `unix:///path`, `/path`, `tcp://name:port` or `http://name:port`. */
export function engineTarget(host: string): Pick<RequestOptions, 'socketPath' | 'host' | 'port'> {
  if (host.startsWith('/')) return { socketPath: host };
  const url = URL.canParse(host) ? new URL(host) : undefined;
  if (url?.protocol === 'unix:') return { socketPath: url.pathname };
  if (url?.protocol === 'tcp:' || url?.protocol === 'http:') {
    return { host: url.hostname, port: Number(url.port || '2375') };
  }
  throw new Error(`${host} is no container engine: expected unix:///path/to.sock or tcp://host:port`);
}

/** Whether an engine answers there. */
export function engineAnswers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ ...engineTarget(host), path: '/_ping', timeout: PING_TIMEOUT_MS }, (response) => {
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
 * The engine to use: the configured one, else the first usual socket that answers, else undefined. Rejects when the
 * configured one does not answer: whoever names an engine does not want another.
 */
export async function findEngine({ container }: Pick<Config, 'container'>): Promise<string | undefined> {
  if (container.host !== undefined) {
    if (await engineAnswers(container.host)) return container.host;
    throw new Error(
      `No container engine answers at ${container.host}: start it, or unset AAS_CONTAINER_HOST and DOCKER_HOST`,
    );
  }
  for (const socket of usualSockets(container.runtimeDir)) {
    if (await engineAnswers(socket)) return `unix://${socket}`;
  }
  return undefined;
}

const usualSockets = (runtimeDir: string | undefined): string[] => [
  '/var/run/docker.sock',
  ...(runtimeDir === undefined ? [] : [join(runtimeDir, 'podman', 'podman.sock')]),
  '/run/podman/podman.sock',
];
