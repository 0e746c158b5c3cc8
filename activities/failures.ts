/** Failures as Temporal understands them. The list of types that are never retried is in the contract. */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { failures } from '../temporal/contract/messages.ts';

type FailureType = (typeof failures)[keyof typeof failures];

/** At most this much of somebody else's message enters history. */
const maxMessageCharacters = 2000;

/** Wrong, and wrong again if it is tried again. */
export const refusal = (type: FailureType, message: string, cause?: unknown): ApplicationFailure =>
  failure(type, message, true, cause);

/** Wrong now; the same step may succeed later. */
export const trouble = (type: FailureType, message: string, cause?: unknown): ApplicationFailure =>
  failure(type, message, false, cause);

/** Nothing is wrong: the same step succeeds later. Logged as no failure. */
export const notNow = (type: FailureType, message: string): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nonRetryable: false, category: ApplicationFailureCategory.BENIGN });

function failure(type: FailureType, message: string, nonRetryable: boolean, cause: unknown): ApplicationFailure {
  const error = cause instanceof Error ? cause : undefined;
  return ApplicationFailure.create({
    type,
    message: message.slice(0, maxMessageCharacters),
    nonRetryable,
    cause: error,
  });
}
