/**
 * A worker process: `CAPABILITIES=sandbox HOST_ID=rack7 bin/aas worker`.
 *
 * A capability is a task queue. Each opens only the ports its row in DESIGN.md section 2 grants it, and is loaded only
 * when asked for, so that a process has no code for what it may not do.
 */
import { NativeConnection } from '@temporalio/worker';
import type { Worker } from '@temporalio/worker';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { loadConfig } from '../temporal/config.ts';
import type { WorkerContext } from './context.ts';
import { serveMetrics } from './metrics.ts';
import { createLogger, installRuntime } from './runtime.ts';

/** The workers of a capability, and what to close when they have ended. */
export interface Hired {
  readonly workers: readonly Worker[];
  readonly close: () => Promise<void>;
}

const capabilities: Readonly<Record<string, (context: WorkerContext) => Promise<Hired>>> = {
  control: async (context) => (await import('./control.ts')).hireControl(context),
  source: async (context) => (await import('./source.ts')).hireSource(context),
  sandbox: async (context) => (await import('./hands.ts')).hireHands(context),
  validate: async (context) => (await import('./validate.ts')).hireValidator(context),
  promote: async (context) => (await import('./promoter.ts')).hirePromoter(context),
};

async function main(): Promise<void> {
  const config = loadConfig();
  const { capabilities: wanted, hostId } = config.worker;
  const unknown = wanted.filter((name) => !(name in capabilities));
  if (wanted.length === 0 || unknown.length > 0) {
    const known = Object.keys(capabilities).join(', ');
    const why = unknown.length > 0 ? `Unknown capability ${unknown.join(', ')}.` : 'CAPABILITIES is not set.';
    throw new Error(`${why} Set it to one or more of: ${known}`);
  }

  const logger = createLogger(config, wanted.join('+'));
  installRuntime(logger);
  const { address } = config.temporal;
  const connection = await NativeConnection.connect({ address }).catch((cause: unknown) => {
    throw new Error(`Temporal does not answer at ${address}. Start it (bin/aas up) or set AAS_TEMPORAL_ADDRESS`, {
      cause,
    });
  });
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const context: WorkerContext = { config, connection, logger, metrics };
  const hired = await Promise.all(wanted.flatMap((name) => capabilities[name]?.(context) ?? []));
  const workers = hired.flatMap((each) => each.workers);
  const stopMetrics = await serveMetrics(metrics, config.metricsPort);

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      for (const worker of workers) worker.shutdown();
    });
  }
  // A supervisor that is gone takes its workers along: nobody else would restart or stop them.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  logger.info({ hostId, queues: workers.map(({ options }) => options.taskQueue) }, 'ready');
  process.send?.('ready');

  await Promise.all(workers.map((worker) => worker.run()));
  await Promise.all(hired.map((each) => each.close()));
  await stopMetrics();
  await connection.close();
}

await main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(1);
  },
);

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}\n  because: ${error.cause.message}` : error.message;
}
