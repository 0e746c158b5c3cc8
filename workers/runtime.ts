/** Logging and the Temporal core runtime: installed once, before anything else touches Temporal. */
import { Runtime } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger } from 'pino';
import type { Config } from '../temporal/config.ts';

/** Logs JSON lines to standard error: standard output belongs to programs that have something to answer. */
export function createLogger(config: Config, name: string): Logger {
  return pino({ name, level: config.logLevel, base: { pid: process.pid } }, pino.destination(2));
}

/** An activity-only worker is what we want most of them to be. */
const expected = /No workflows registered/;

export function installRuntime(logger: Logger): void {
  const log = (level: LogLevel, message: string, meta: Record<string, unknown> = {}) => {
    if (expected.test(message)) return;
    const { error, ...rest } = meta;
    logger[levels[level]]({ ...rest, ...(error === undefined ? {} : { err: error }) }, message);
  };
  Runtime.install({
    logger: {
      log,
      trace: (message, meta) => log('TRACE', message, meta),
      debug: (message, meta) => log('DEBUG', message, meta),
      info: (message, meta) => log('INFO', message, meta),
      warn: (message, meta) => log('WARN', message, meta),
      error: (message, meta) => log('ERROR', message, meta),
    },
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
    // The mains decide what a signal means.
    shutdownSignals: [],
  });
}

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
