/** The embedded stack as `aas up` runs it, in a home of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../temporal/config.ts';
import type { Config } from '../../temporal/config.ts';
import { processTable } from '../../workers/stack/process-table.ts';
import type { Places } from '../../workers/stack/process-table.ts';
import type { ProcessSpec } from '../../workers/stack/node-process.ts';
import { readState } from '../../workers/stack/state.ts';
import { up } from '../../workers/stack/up.ts';
import type { Bench } from './bench.ts';
import type { Api } from './client/sessions.ts';

export interface Stack {
  readonly config: Config;
  readonly places: Places;
  readonly api: Api;
  /** Process id by the name in `aas status`; changes when a process is restarted. */
  readonly pid: (name: string) => number;
}

/** Starts a stack; it ends with `borrowed`, and its home with it. */
export async function borrowStack(
  bench: Bench,
  borrowed: AsyncDisposableStack,
  table: (config: Config, places: Places) => ProcessSpec[] = processTable,
): Promise<Stack> {
  const { host } = await bench.engine();
  const home = await mkdtemp(join(tmpdir(), 'aas-bench-'));
  borrowed.defer(() => rm(home, { recursive: true, force: true }));
  const config = loadConfig({
    AAS_HOME: home,
    AAS_CONTAINER_HOST: host,
    // Any port that is free: a run must not meet a stack that somebody works with.
    AAS_TEMPORAL_ADDRESS: '127.0.0.1:0',
    AAS_TEMPORAL_UI: 'http://localhost:0',
    AAS_API_PORT: '0',
  });

  const ending = new AbortController();
  const found = Promise.withResolvers<Places>();
  const started = Promise.withResolvers<void>();
  const running = up({
    config,
    signal: ending.signal,
    say: () => {},
    onReady: started.resolve,
    table: (given, places) => {
      found.resolve(places);
      return table(given, places);
    },
  });
  borrowed.defer(async () => {
    ending.abort();
    await running.catch(() => {});
  });
  await Promise.race([started.promise, running]);
  const places = await found.promise;
  const token = (await readFile(config.paths.token, 'utf8')).trim();
  return { config, places, api: { url: places.api.url, token }, pid: (name) => pidOf(config, name) };
}

function pidOf(config: Config, name: string): number {
  const found = readState(config)?.processes.find((process) => process.name === name);
  if (found === undefined) throw new Error(`There is no process ${name} in the stack of ${config.home}`);
  return found.pid;
}
