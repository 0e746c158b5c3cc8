/** Asks a container engine over its socket, with nothing but HTTP. */
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Config } from '../../../temporal/config.ts';
import { runningStack } from '../running-stack.ts';

/** Podman gathers its `info` anew for each question; on a busy machine that takes seconds. */
const timeoutMs = 10_000;
const scheme = /^unix:\/\//;

/** Resolves with status and parsed JSON; rejects when nothing answers there. */
export function askEngine(host: string, path: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: host.replace(scheme, ''), path, timeout: timeoutMs }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body: parse(body) }), reject);
    });
    asking.once('timeout', () => asking.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asking.once('error', reject);
    asking.end();
  });
}

/** Whether an engine is written `unix:///path` or `/path`; `aas up` refuses any other. */
export const isSocket = (host: string): boolean => host.replace(scheme, '').startsWith('/');

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** Where an engine may be, the surest place first. A configured one is the only one. */
export async function enginePlaces(config: Config): Promise<string[]> {
  const { host, runtimeDir } = config.container;
  if (host !== undefined) return [host];
  const running = await runningStack(config);
  return [
    ...(running === null ? [] : [running.container.host]),
    '/var/run/docker.sock',
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, 'podman', 'podman.sock')]),
    '/run/podman/podman.sock',
  ];
}
