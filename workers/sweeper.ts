import type { Logger } from 'pino';
import { sweep } from '../activities/seal.ts';
import type { SealPorts } from '../activities/seal.ts';

/**
 * Sweeps now and then: sessions that were terminated, or whose control died between its end and its seal, are sealed too.
 * A timer and not a Temporal schedule, which would bury the sessions in its own runs. Returns what stops it.
 */
export function startSweeper(ports: SealPorts, everyMs: number, logger: Logger): () => void {
  let running = false;
  const once = async () => {
    if (running) return;
    running = true;
    try {
      const swept = await sweep(ports);
      if (swept.length > 0) logger.info({ sessions: swept }, 'sealing sessions that were ended from outside');
    } catch (error) {
      logger.warn({ err: error }, 'the sweep failed; it is tried again');
    } finally {
      running = false;
    }
  };
  const timer = setInterval(() => void once(), everyMs);
  void once();
  return () => clearInterval(timer);
}
