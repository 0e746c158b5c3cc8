/** `aas up`: the whole stack on one machine. */
import { once } from 'node:events';
import { join } from 'node:path';
import { createKeys } from '../../artifacts/keys.ts';
import type { Config } from '../../temporal/config.ts';
import { freePort } from '../../temporal/free-port.ts';
import { nodeProcess } from './node-process.ts';
import type { ProcessSpec } from './node-process.ts';
import { processTable } from './process-table.ts';
import type { Places } from './process-table.ts';
import { ensureSandboxImage, sandboxImage } from './sandbox-image.ts';
import { engineService, temporalService } from './shared-services.ts';
import { endLeftovers, lockStack, readState, removeState, writeState } from './state.ts';
import { superviseAll } from './supervisor.ts';
import type { Service, Supervised } from './supervisor.ts';

export interface UpOptions {
  readonly config: Config;
  /** Aborted when the stack is to end. */
  readonly signal: AbortSignal;
  /** What a person should know, a line at a time. */
  readonly say: (line: string) => void;
  /** Called once every process has said that it is ready. */
  readonly onReady: () => void;
  /** Which processes to run: those of DESIGN.md section 2, unless a test brings its own. */
  readonly table?: (config: Config, places: Places) => ProcessSpec[];
}

/**
 * Runs the stack until the signal, then stops it in reverse order. Rejects when it cannot start, with nothing of it left,
 * and when a stack of the same home runs already.
 */
export async function up({ config, signal, say, onReady, table = processTable }: UpOptions): Promise<void> {
  const unlock = lockStack(config);
  if (unlock === undefined) throw new Error(alreadyRuns(config));

  const startedAt = new Date().toISOString();
  const groups: Supervised[][] = [];
  try {
    if (config.mode === 'full') say('AAS_MODE=full is the same as minimal for now.');
    endLeftovers(config);
    createKeys(config.paths.keys);
    const [temporal, engine, api] = await Promise.all([
      temporalService(config),
      engineService(config),
      apiPlace(config),
    ]);
    const places: Places = { temporal: temporal.place, container: engine.place, api };

    let ready = false;
    const publish = (): void => {
      const processes = groups.flat().map(({ name, pid, restarts }) => ({ name, pid, restarts }));
      writeState(config, { pid: process.pid, startedAt, ready, ...places, api: { url: api.url }, processes });
    };
    const begin = async (services: readonly Service[]): Promise<void> => {
      signal.throwIfAborted();
      const group = await superviseAll(services, { log: say, onRestart: publish });
      groups.push(group);
      for (const { name, pid } of group) say(`${name} is ready (pid ${pid})`);
    };

    publish();
    await begin([engine.service, temporal.service].filter((service) => service !== undefined));
    // An engine outlives a stack that is killed: from here on the next one finds it.
    publish();
    await provideImage(config, places.container.host, say);
    await begin(table(config, places).map((spec) => nodeProcess(spec, config.paths.run)));
    ready = true;
    publish();
    onReady();
    if (!signal.aborted) await once(signal, 'abort');
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    for (const group of groups.reverse()) await Promise.all(group.map((each) => each.stop()));
    removeState(config);
    unlock();
  }
}

function alreadyRuns(config: Config): string {
  const pid = readState(config)?.pid;
  const who = pid === undefined ? 'is starting or stopping' : `runs already (pid ${pid})`;
  return `The stack of ${config.home} ${who}. See it with: aas status. End it with: aas down`;
}

async function apiPlace({ api }: Config): Promise<Places['api']> {
  const port = await freePort(api.port);
  return { port, url: port === api.port ? api.url : `http://localhost:${port}` };
}

async function provideImage({ root, container }: Config, host: string, say: (line: string) => void): Promise<void> {
  if (container.image !== sandboxImage) return;
  const imported = await ensureSandboxImage(host, join(root, '.tools', 'sandbox', 'aas-sandbox.tar'));
  if (imported) say(`${sandboxImage} was imported into ${host}`);
}
