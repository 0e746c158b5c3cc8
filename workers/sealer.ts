import type { Logger } from 'pino';
import { endLost, sealEnded } from '../activities/seal.ts';
import type { SealPorts } from '../activities/seal.ts';

export interface Sealer {
  /** A session has ended: look soon, not only when it is time again. */
  readonly poke: () => void;
  /** Resolves when nothing is under way any more. */
  readonly stop: () => Promise<void>;
}

/** A workflow closes a moment after its last record. */
const closesWithinMs = 250;

/**
 * Seals sessions soon after they ended, and looks every `everyMs` for those that were ended from outside. Two control
 * workers may do the same at once: records are known by their id.
 */
export function startSealer(sealing: Omit<SealPorts, 'onFailed'>, everyMs: number, logger: Logger): Sealer {
  const ports: SealPorts = {
    ...sealing,
    onFailed: (session, error) => logger.warn({ session, err: error }, 'not sealed; it is tried again in its turn'),
  };
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = Infinity;
  let nextLookMs = 0;
  let lost: string | null = null;
  let after: string | null = null;
  let working: Promise<void> = Promise.resolve();

  const schedule = (inMs: number) => {
    const atMs = Date.now() + inMs;
    if (stopped || atMs >= dueAtMs) return;
    clearTimeout(timer);
    dueAtMs = atMs;
    timer = setTimeout(() => {
      dueAtMs = Infinity;
      working = working.then(sweep);
    }, inMs);
  };
  const sweep = async () => {
    try {
      if (Date.now() >= nextLookMs) {
        lost = await endLost(ports, lost);
        nextLookMs = Date.now() + everyMs;
      }
      const { sealed, closing, next } = await sealEnded(ports, after);
      after = next;
      if (sealed.length > 0) logger.debug({ sessions: sealed }, 'sealed');
      schedule(closing > 0 || next !== null ? 2 * closesWithinMs : everyMs);
    } catch (error) {
      logger.warn({ err: error }, 'sealing failed; it is tried again');
      schedule(everyMs);
    }
  };
  schedule(0);
  return {
    poke: () => schedule(closesWithinMs),
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
