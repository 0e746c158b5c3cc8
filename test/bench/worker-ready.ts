/** From a worker's start to its being ready: control, the one with workflows, from the pre-built bundle. */
import type { Bench } from './bench.ts';
import { measured } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { borrowStack } from './stack.ts';
import { nodeProcess } from '../../workers/stack/node-process.ts';
import { processTable } from '../../workers/stack/process-table.ts';

const starts = 10;

export async function workerReady(bench: Bench, borrowed: AsyncDisposableStack): Promise<Measurement[]> {
  const { config, places } = await borrowStack(bench, borrowed, apiAlone);
  const control = processTable(config, places).filter(({ name }) => name === 'control');
  const [service] = control.map((spec) => nodeProcess(spec, config.paths.run));
  if (service === undefined) throw new Error('The stack has no control worker');

  bench.say('a control worker, from its start to ready');
  const seconds: number[] = [];
  for (let start = -1; start < Math.max(3, bench.samples(starts)); start++) {
    const began = performance.now();
    const running = await service.start();
    // The first one finds nothing in the page cache, and may have a bundle to build.
    if (start >= 0) seconds.push((performance.now() - began) / 1000);
    await running.stop();
  }
  return [measured('worker.ready', 's', seconds)];
}

/** A stack without workers, so that the one under test is alone. */
const apiAlone: typeof processTable = (config, places) =>
  processTable(config, places).filter(({ name }) => name === 'api');
