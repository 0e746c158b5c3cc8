import { ApplicationFailure, TemporalFailure, isCancellation, rootCause } from '@temporalio/workflow';

export interface StepFailure {
  /** The type of the failure's cause, such as `Source.Unusable`; null when the step did not say (it timed out). */
  readonly type: string | null;
  readonly reason: string;
}

/**
 * Why a step failed for good: no worker took it, the engine is away, a patch does not apply, a judgement is forged.
 * Anything else (a cancellation, a defect of ours) goes on being thrown. An ordinary activity's failure comes wrapped in
 * an `ActivityFailure`; a local one's comes as it is.
 */
export function stepFailure(error: unknown): StepFailure {
  if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
  const cause = error instanceof ApplicationFailure ? error : error.cause;
  const type = cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
  return { type, reason: cause instanceof Error ? cause.message : (rootCause(error) ?? error.message) };
}
