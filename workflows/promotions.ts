/**
 * One writer per target: the entity that gives promotions their turns.
 *
 * Handlers only push to the queue and one loop writes. (A `busy` flag with `condition(() => !busy)` reads right and lets
 * every waiter through at once.)
 */
import {
  ActivityFailure,
  condition,
  getExternalWorkflowHandle,
  log,
  rootCause,
  setHandler,
} from '@temporalio/workflow';
import { workflowIds } from '../temporal/contract/messages.ts';
import type { PromotionRequest, PromotionResult } from '../temporal/contract/messages.ts';
import { promotionAnsweredSignal, requestPromotionSignal, withdrawPromotionSignal } from './messages.ts';
import { promoter } from './proxies.ts';

export async function promotions(): Promise<{ served: number }> {
  const queue: PromotionRequest[] = [];
  const withdrawn = new Set<string>();
  let current: string | null = null;
  let served = 0;

  setHandler(requestPromotionSignal, (request: PromotionRequest) => {
    // A session asks again when it hears nothing for long: its place in the queue stays.
    if (request.id !== current && !queue.some(({ id }) => id === request.id)) queue.push(request);
  });
  setHandler(withdrawPromotionSignal, ({ id }: { id: string }) => {
    withdrawn.add(id);
  });

  // The first request may follow its workflow's start by an activation.
  await condition(() => queue.length > 0, '1 minute', { summary: 'first request' });
  for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
    current = request.id;
    const result: PromotionResult = withdrawn.has(request.id) ? { kind: 'withdrawn' } : await write(request);
    await answer(request, result);
    current = null;
    served++;
  }
  return { served };
}

async function write(request: PromotionRequest): Promise<PromotionResult> {
  try {
    return await promoter.promote.executeWithOptions({ summary: `promote ${request.sessionId}` }, [request]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const message = rootCause(error) ?? 'the promoter could not be reached';
    return { kind: 'refused', findings: [{ severity: 'deny', rule: 'promotion.failed', message }] };
  }
}

async function answer(request: PromotionRequest, result: PromotionResult): Promise<void> {
  const session = getExternalWorkflowHandle(workflowIds.session(request.sessionId));
  try {
    await session.signal(promotionAnsweredSignal, { id: request.id, result });
  } catch (error) {
    // The session was terminated: its promotion stands, and the sealer tells how it ended.
    log.warn('Nobody to answer', { sessionId: request.sessionId, error });
  }
}
