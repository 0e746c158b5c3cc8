import type { Worker } from '@temporalio/worker';

/** Runs workers until this process is told to end, and ends it. */
export async function runWorkers(workers: readonly Worker[]): Promise<void> {
  const stop = () => workers.forEach((worker) => worker.shutdown());
  process.once('SIGTERM', stop).once('disconnect', stop);
  process.send?.('ready');
  await Promise.all(workers.map((worker) => worker.run()));
  process.exit(0);
}
