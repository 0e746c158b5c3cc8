/**
 * One writer per target: the entity that gives promotions their turns.
 *
 * Handlers only push to the queue (or take back what waits in it) and one loop writes. (A `busy` flag with
 * `condition(() => !busy)` reads right and lets every waiter through at once.)
 */
import {
  ActivityFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  rootCause,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { workflowIds } from '../temporal/contract/messages.ts';
import type { PromotionRequest, PromotionResult } from '../temporal/contract/messages.ts';
import { promotionAnsweredSignal, requestPromotionSignal, withdrawPromotionSignal } from './messages.ts';
import { promoter } from './proxies.ts';
import { isPromotionRequest } from './shapes.ts';

/** Ends when nobody waits. `carried` is what waited when its history became too long and it began anew. */
export async function promotions(carried: readonly PromotionRequest[] = []): Promise<{ served: number }> {
  const queue = [...carried];
  let current: string | null = null;
  let served = 0;

  setHandler(requestPromotionSignal, (request: PromotionRequest) => {
    if (!isPromotionRequest(request)) return log.warn('A request that is none is passed over');
    // A session asks again when it hears nothing for long: its place in the queue stays.
    if (request.id !== current && !queue.some(({ id }) => id === request.id)) queue.push(request);
  });
  setHandler(withdrawPromotionSignal, async (request: { id: string } | undefined) => {
    const place = queue.findIndex(({ id }) => id === request?.id);
    const [withdrawn] = place === -1 ? [] : queue.splice(place, 1);
    if (withdrawn !== undefined) await answer(withdrawn, { kind: 'withdrawn' });
  });

  // The first request may follow its workflow's start by an activation.
  await condition(() => queue.length > 0, '1 minute', { summary: 'first request' });
  for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
    current = request.id;
    await answer(request, await write(request));
    current = null;
    served++;
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof promotions>(queue);
    }
    if (queue.length === 0) await condition(allHandlersFinished);
  }
  return { served };
}

async function write(request: PromotionRequest): Promise<PromotionResult> {
  try {
    return await promoter.promote.executeWithOptions({ summary: `promote ${request.sessionId}` }, [request]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const message = rootCause(error) ?? 'the promoter could not be reached';
    // A promoter that went silent, or failed whenever it was tried, may have written before.
    if (error.retryState !== 'NON_RETRYABLE_FAILURE') return { kind: 'unknown', message };
    return { kind: 'refused', findings: [{ severity: 'deny', rule: 'promotion.failed', message }] };
  }
}

async function answer(request: PromotionRequest, result: PromotionResult): Promise<void> {
  const session = getExternalWorkflowHandle(workflowIds.session(request.sessionId));
  try {
    await session.signal(promotionAnsweredSignal, { id: request.id, result });
  } catch (error) {
    // The session was terminated: its promotion stands, with the promoter's receipt.
    log.warn('Nobody to answer', { sessionId: request.sessionId, result: result.kind, error });
  }
}
