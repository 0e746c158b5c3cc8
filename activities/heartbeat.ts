import { activityInfo, heartbeat } from '@temporalio/activity';

/**
 * Runs a step and says every third of its heartbeat timeout that it is alive, so that a worker which is killed is
 * noticed at once and not at the end of the step's longest time. `progress` is shown under pending activities.
 */
export async function withHeartbeat<T>(step: () => Promise<T>, progress?: () => unknown): Promise<T> {
  const { heartbeatTimeoutMs } = activityInfo();
  if (heartbeatTimeoutMs === undefined) return step();
  const timer = setInterval(() => heartbeat(progress?.()), heartbeatTimeoutMs / 3);
  try {
    return await step();
  } finally {
    clearInterval(timer);
  }
}
