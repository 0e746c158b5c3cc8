/**
 * The reaper of a hands host: a process of its own, because what it removes is what a dead worker left behind. It holds the
 * container socket and nothing else.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { connectEngine } from '../activities/ports/engine/discover.ts';
import type { ContainerEngine } from '../activities/ports/engine/port.ts';
import { reap } from '../activities/ports/sandbox/reap.ts';
import { loadConfig } from '../temporal/config.ts';
import { pause } from './pause.ts';

const everyMs = 1000;

async function main(): Promise<void> {
  const config = loadConfig();
  const logger = pino({ name: 'reaper', level: config.logLevel, base: { pid: process.pid } }, pino.destination(2));
  const { hostId } = config.worker;
  const { leaseMs } = config.timings;
  const place = { directory: join(config.paths.hosts, hostId), instance: config.home, hostId, leaseMs };
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.abort());
  // Without its supervisor nobody would ever stop it.
  process.once('disconnect', () => stopped.abort());

  logger.info(place, 'ready');
  process.send?.('ready');
  let engine: ContainerEngine | null = null;
  let complaint = '';
  while (!stopped.signal.aborted) {
    try {
      engine ??= await connectEngine(config.container);
      for (const { name, what, reason } of await reap({ ...place, engine }))
        logger.info({ name, reason }, `removed ${what}`);
      complaint = '';
    } catch (error) {
      // The engine may be down for long: one line says so, not one a second.
      const message = error instanceof Error ? error.message : String(error);
      if (message !== complaint) logger.warn({ err: error }, 'could not look for leftovers; trying again');
      complaint = message;
      engine = null;
    }
    const slept = await pause(Math.min(everyMs, leaseMs / 2), leaseMs / 4, stopped.signal);
    // Every lease is old then, and who attends its sandbox must have the time to renew it before anybody looks.
    if (slept) await pause(leaseMs / 2, Infinity, stopped.signal);
  }
  if (process.connected) process.disconnect();
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
