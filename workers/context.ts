/** What every worker has, whatever it can do. */
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../temporal/config.ts';

export interface WorkerContext {
  readonly config: Config;
  readonly connection: NativeConnection;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** Options that every `Worker` of a process shares. `name` tells one from another in the Temporal Web UI. */
export function commonOptions({ config, connection }: WorkerContext, name: string) {
  return {
    connection,
    namespace: config.temporal.namespace,
    identity: `${name}@${config.worker.hostId}/${process.pid}`,
    // A worker that died leaves its sticky queue behind: a task waits there this long before any other worker gets it.
    stickyQueueScheduleToStartTimeout: '1s',
    // Cancellation travels on heartbeat answers, which the default holds back for up to a minute.
    maxHeartbeatThrottleInterval: '1s',
    shutdownGraceTime: '2s',
    shutdownForceTime: '20s',
  } satisfies Partial<WorkerOptions>;
}
