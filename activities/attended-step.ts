/** A long step: says that it is alive and how far it is, and is told when Temporal takes it away. */
import { Context } from '@temporalio/activity';
import { Detached } from './ports/sandbox/task.ts';

export interface StepControl {
  /**
   * Aborted with `Detached` when the step is taken away and somebody goes on with it (this worker shuts down, the server
   * gave it to another attempt, it was paused or reset), and with the cancellation when the workflow asked for one.
   */
  readonly signal: AbortSignal;
  /** Shown under pending activities with the next heartbeat. */
  readonly report: (details: unknown) => void;
}

/**
 * Runs a step, heartbeating every half of `heartbeatMs`. A step that was cancelled rejects with the cancellation even if it
 * came to a result in the same moment: Temporal must hear of it.
 */
export async function attendedStep<T>(heartbeatMs: number, step: (control: StepControl) => Promise<T>): Promise<T> {
  const context = Context.current();
  const { cancellationSignal } = context;
  const controller = new AbortController();
  const cancelled = () => context.cancellationDetails?.cancelRequested === true;
  const takeAway = () => {
    const reason: unknown = cancellationSignal.reason;
    controller.abort(cancelled() ? reason : new Detached('Another attempt goes on with this step', { cause: reason }));
  };
  cancellationSignal.addEventListener('abort', takeAway);
  if (cancellationSignal.aborted) takeAway();

  let details: unknown;
  const beat = setInterval(() => context.heartbeat(details), heartbeatMs / 2);
  const report = (latest: unknown) => {
    details = latest;
  };
  try {
    const result = await step({ signal: controller.signal, report });
    if (cancelled()) throw cancellationSignal.reason;
    return result;
  } catch (error) {
    throw error instanceof Detached ? error.cause : error;
  } finally {
    clearInterval(beat);
    cancellationSignal.removeEventListener('abort', takeAway);
  }
}
