/** Keeps services running: starts them, restarts what ends, stops all. */
import { setTimeout as delay } from 'node:timers/promises';

/** One run of a service. */
export interface Running {
  readonly pid: number;
  /** Resolves with what happened once it has ended, however it ended. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export interface Service {
  readonly name: string;
  /** Resolves when it is ready to work. Rejects when it cannot become so; then nothing of it is left. */
  start(): Promise<Running>;
}

export interface Supervised {
  readonly name: string;
  readonly pid: number;
  readonly restarts: number;
  stop(): Promise<void>;
}

export interface SupervisorOptions {
  readonly log: (line: string) => void;
  /** Called after each restart: pids have changed. */
  readonly onRestart: () => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A service that lived this long has earned a quick restart again. */
const STEADY_MS = 10_000;

/**
 * Starts a service and keeps it running until `stop`. Rejects when the first start fails: that is a mistake to be shown,
 * not one to be repeated. Later ends are followed by a new start after a pause that doubles up to five seconds.
 */
export async function supervise(service: Service, { log, onRestart }: SupervisorOptions): Promise<Supervised> {
  let running = await service.start();
  let restarts = 0;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function keepRunning(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let since = performance.now();
    let why = await running.ended;
    while (!signal.aborted) {
      if (performance.now() - since > STEADY_MS) pauseMs = FIRST_PAUSE_MS;
      log(`${service.name} ${why}; starting it again in ${pauseMs} ms`);
      await delay(pauseMs, undefined, { signal });
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      try {
        running = await service.start();
      } catch (error) {
        why = `could not be started: ${error instanceof Error ? error.message : String(error)}`;
        continue;
      }
      since = performance.now();
      restarts++;
      if (signal.aborted) return running.stop();
      onRestart();
      why = await running.ended;
    }
  }
  const kept = keepRunning().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });

  return {
    name: service.name,
    get pid() {
      return running.pid;
    },
    get restarts() {
      return restarts;
    },
    async stop() {
      stopping.abort();
      await running.stop();
      await kept;
    },
  };
}

/** Supervises services that start side by side. When one fails, the others are stopped before this rejects. */
export async function superviseAll(services: readonly Service[], options: SupervisorOptions): Promise<Supervised[]> {
  const outcomes = await Promise.allSettled(services.map((service) => supervise(service, options)));
  const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return started;
  await Promise.all(started.map((each) => each.stop()));
  throw failed.reason;
}
