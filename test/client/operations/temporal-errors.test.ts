import {
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { OperationError } from '../../../client/operations/errors.ts';
import { translateTemporalError } from '../../../client/operations/temporal-errors.ts';
import { failures } from '../../../temporal/contract/messages.ts';

const refusal = (type: string) => new WorkflowUpdateFailedError('no', ApplicationFailure.nonRetryable('because', type));

/** A gRPC answer with this status, as Temporal's client wraps it. */
const answered = (code: number, details: string) =>
  new ServiceError('Failed', { cause: Object.assign(new Error(details), { code, details, metadata: {} }) });

test.each([
  ['the gate is not open', refusal(failures.gateNotOpen), 'gate.not_open', 'because'],
  ['stale', refusal(failures.gateStale), 'gate.stale', 'because'],
  ['not offered', refusal(failures.gateNotOffered), 'gate.not_offered', 'because'],
  ['it does not count', refusal(failures.decisionInvalid), 'decision.invalid', 'because'],
  ['a refusal of a kind that is new here is a refusal', refusal('Something.New'), 'decision.invalid', 'because'],
  ['no answer in time', new WorkflowUpdateRPCTimeoutOrCancelledError('late'), 'temporal.unavailable', 'No answer'],
  ['no server', new ServiceError('down'), 'temporal.unavailable', 'does not answer'],
  ['a server that is too busy', answered(8, 'busy'), 'temporal.unavailable', 'does not answer'],
  ['a namespace without what sessions need', answered(3, 'AasPhase is unknown'), 'temporal.refused', 'AasPhase is'],
])('%s', (_what, error, code, words) => {
  const translated = translateTemporalError(error);
  expect(translated).toBeInstanceOf(OperationError);
  expect(translated).toMatchObject({ code, cause: error });
  expect((translated as OperationError).message).toContain(words);
});

test('what the caller must tell apart, and what is a defect, pass as they are', () => {
  for (const error of [new WorkflowNotFoundError('', 'x', undefined), new TypeError('x')])
    expect(translateTemporalError(error)).toBe(error);
});
