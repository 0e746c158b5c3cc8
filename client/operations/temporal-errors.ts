/** Temporal's errors in our words; every case has its test. */
import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { failures } from '../../temporal/contract/messages.ts';
import { OperationError } from './errors.ts';
import type { OperationCode } from './errors.ts';

/** gRPC status codes. */
const notFound = 5;
const failedPrecondition = 9;
/** What asking again does not change: INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED. */
const final = [3, notFound, 7, 12, 16];

const refusals: Readonly<Record<string, { code: OperationCode; next: string }>> = {
  [failures.gateNotOpen]: {
    code: 'gate.not_open',
    next: 'Look at the session again: it waits for no decision, or for another one',
  },
  [failures.gateStale]: { code: 'gate.stale', next: 'Look at the session again and decide on what is there now' },
  [failures.gateNotOffered]: { code: 'gate.not_offered', next: 'Choose one of the decisions that the gate offers' },
  [failures.decisionInvalid]: { code: 'decision.invalid', next: 'Correct what the message names and decide again' },
};

/** The errors a caller must tell apart pass as they are; everything else becomes an `OperationError`. */
export function translateTemporalError(error: unknown): unknown {
  if (error instanceof OperationError || isWorkflowGone(error)) return error;
  if (error instanceof WorkflowExecutionAlreadyStartedError) return error;
  if (error instanceof WorkflowUpdateFailedError) return refusal(error);
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return noAnswer(error);
  if (error instanceof ServiceError || isGrpcServiceError(error))
    return isAway(error) ? unavailable(error) : refused(error);
  return error;
}

/** Never started, over, or deleted: there is no workflow to talk to. */
export function isWorkflowGone(error: unknown): boolean {
  return (
    error instanceof WorkflowNotFoundError ||
    // `fetchHistory` passes the server's answer on as it is.
    (isGrpcServiceError(error) && Number(error.code) === notFound) ||
    // The workflow ended while the Update was on its way.
    (error instanceof WorkflowUpdateFailedError &&
      error.cause instanceof ApplicationFailure &&
      error.cause.type === 'AcceptedUpdateCompletedWorkflow')
  );
}

/**
 * The workflow task that carried the Update failed before the workflow heard it (other news came in at that moment). The
 * server repeats the task without the Update: it has to be sent again.
 */
export function isUpdateUnheard(error: unknown): boolean {
  const cause = causeOf(error);
  return isGrpcServiceError(cause) && Number(cause.code) === failedPrecondition;
}

function refusal(error: WorkflowUpdateFailedError): OperationError {
  const { cause } = error;
  const known = cause instanceof ApplicationFailure ? refusals[cause.type ?? ''] : undefined;
  // Fail closed, and in words: a refusal we do not know is still a refusal.
  const { code, next } = known ?? { code: 'decision.invalid' as const, next: 'See the session in the Temporal Web UI' };
  return new OperationError(code, cause?.message ?? error.message, { next, cause: error });
}

const causeOf = (error: unknown): unknown => (error instanceof ServiceError ? error.cause : error);

function isAway(error: unknown): boolean {
  const cause = causeOf(error);
  return !(isGrpcServiceError(cause) && final.includes(Number(cause.code)));
}

/** Such as a namespace without our search attributes, or a token that it does not take. */
function refused(error: unknown): OperationError {
  const cause = causeOf(error);
  const said = isGrpcServiceError(cause) ? cause.details : String(cause);
  return new OperationError('temporal.refused', `Temporal refuses: ${said}`, {
    next: 'Nothing is lost. Mend what it names (see `aas doctor`); what was kept starts by itself then',
    cause: error,
  });
}

const noAnswer = (cause: unknown) =>
  new OperationError('temporal.unavailable', 'No answer in time: Temporal is away, or no worker takes sessions', {
    next: 'Nothing is lost. Check with `aas status`, look at the session, and send it again: it counts at most once',
    cause,
  });

const unavailable = (cause: unknown) =>
  new OperationError('temporal.unavailable', 'Temporal does not answer', {
    next: 'Nothing is lost. Start it (`aas up`, `aas status`) and send it again',
    cause,
  });
