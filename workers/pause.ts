import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits, and resolves with whether the machine slept meanwhile: the clock then went on by more than `slackMs` beyond what
 * was waited for. Resolves early when `signal` aborts.
 */
export async function pause(ms: number, slackMs: number, signal: AbortSignal, now = Date.now): Promise<boolean> {
  const before = now();
  await delay(ms, undefined, { signal }).catch(() => undefined);
  return now() - before > ms + slackMs;
}
