/** Control's short steps: the record, and word to the other workflows. */
import type { Client } from '@temporalio/client';
import type { Store } from '../store/port.ts';
import { messageNames, queues, workflowIds, workflowTypes } from '../temporal/contract/messages.ts';
import type { ControlLocalActivities, PromotionRequest } from '../temporal/contract/messages.ts';

export interface RecordPorts {
  readonly store: Store;
  readonly temporal: Client;
}

export function createRecordActivities({
  store,
  temporal,
}: RecordPorts): Pick<ControlLocalActivities, 'record' | 'requestPromotion' | 'startSeal'> {
  return {
    record: (request) => store.record(request),

    // Signal-with-start: the target's writer ends when idle, and is there again when somebody asks.
    requestPromotion: async (request) => {
      await temporal.workflow.signalWithStart(workflowTypes.promotions, {
        workflowId: workflowIds.promotions(request.target.key),
        taskQueue: queues.sessions,
        signal: messageNames.requestPromotion,
        signalArgs: [request] satisfies [PromotionRequest],
        args: [],
        staticSummary: `single writer of ${request.target.repository}`.slice(0, 200),
      });
    },

    startSeal: ({ sessionId }) => startSeal(temporal, sessionId),
  };
}

/** Starts the sealer of a session; asking again finds the one that runs. */
export async function startSeal(temporal: Client, sessionId: string): Promise<void> {
  await temporal.workflow.start(workflowTypes.seal, {
    workflowId: workflowIds.seal(sessionId),
    taskQueue: queues.sessions,
    args: [{ sessionId }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `seal ${sessionId}`,
  });
}
