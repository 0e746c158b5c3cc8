/** The services that every process needs and none of ours is: the Temporal server and the container engine. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPodmanService } from '../../activities/ports/engine/service.ts';
import { temporalCli } from '../../temporal/cli.ts';
import type { Config } from '../../temporal/config.ts';
import { startDevServer } from '../../temporal/dev-server.ts';
import { freePort } from '../../temporal/free-port.ts';
import { searchAttributeNames } from '../../temporal/search-attributes.ts';
import { findEngine } from './engine-host.ts';
import type { Service } from './supervisor.ts';

/** Kernels take 107 bytes of path for a unix socket; engines append to it. */
const LONGEST_SOCKET_PATH = 100;
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])$/;

export interface SharedService<Place> {
  readonly place: Place;
  /** What we have to start, or undefined where somebody else keeps it. */
  readonly service: Service | undefined;
}

/** The embedded server on loopback, unless the configured address is another machine's. */
export async function temporalService(config: Config): Promise<SharedService<{ address: string; ui: string | null }>> {
  const [host = '', wanted = '7233'] = config.temporal.address.split(/:(?=\d+$)/);
  if (!LOOPBACK.test(host)) return { place: config.temporal, service: undefined };

  const port = await freePort(Number(wanted));
  const uiPort = await freePort(Number(new URL(config.temporal.ui).port || '8233'));
  const place = { address: `127.0.0.1:${port}`, ui: `http://localhost:${uiPort}` };
  const options = {
    ...{ cli: temporalCli(config), port, uiPort, database: config.paths.temporalDatabase },
    ...{ namespace: config.temporal.namespace, searchAttributes: searchAttributeNames },
    logFile: join(config.paths.run, 'temporal.log'),
  };
  const service: Service = {
    name: 'temporal',
    async start() {
      const server = await startDevServer(options);
      if (server.address === place.address) return { ...server, ended: server.exited.then(() => 'ended') };
      await server.stop();
      throw new Error(`${place.address}, where our processes look for it, was taken by another program`);
    },
  };
  return { place, service };
}

/** An engine that answers, else a Podman service of our own. */
export async function engineService(config: Config): Promise<SharedService<{ host: string }>> {
  const found = await findEngine(config);
  if (found !== undefined) return { place: { host: found }, service: undefined };

  const socket = engineSocket(config);
  const place = { root: join(config.home, 'engine'), socket, log: join(config.paths.run, 'engine.log') };
  const service: Service = {
    name: 'engine',
    async start() {
      const engine = await startPodmanService(place);
      return { pid: engine.pid, ended: whenGone(engine.pid), stop: engine.stop };
    },
  };
  return { place: { host: `unix://${socket}` }, service };
}

function engineSocket({ home, paths }: Config): string {
  const socket = join(paths.run, 'engine.sock');
  if (Buffer.byteLength(socket) <= LONGEST_SOCKET_PATH) return socket;
  const folder = join(tmpdir(), `aas-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, 'engine.sock');
}

/** Node reaps its children, so a pid that no signal reaches has ended. */
async function whenGone(pid: number): Promise<string> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return 'ended';
    }
    await delay(500, undefined, { ref: false });
  }
}
