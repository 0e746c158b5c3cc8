/** Long walks of a worktree, in step with the rest of the process. */
import { setImmediate } from 'node:timers/promises';

/** The event loop has heartbeats to send. */
const yieldAfterMs = 20;

/** Lets others run once this has kept the event loop for a while. */
export function createPause(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < yieldAfterMs) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}
