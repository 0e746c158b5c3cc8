/** Control's short steps: the record, and word to the other workflows. */
import type { Client } from '@temporalio/client';
import { SessionSealed } from '../store/errors.ts';
import type { Store } from '../store/port.ts';
import { failures, messageNames, queues, workflowIds, workflowTypes } from '../temporal/contract/messages.ts';
import type { ControlActivities, PromotionRequest, RecordRequest } from '../temporal/contract/messages.ts';
import { refusal } from './failures.ts';

export interface RecordPorts {
  readonly store: Store;
  readonly temporal: Client;
  /** Told what was just recorded for the first time. */
  readonly onRecorded: (records: readonly RecordRequest[]) => void;
}

export function createRecordActivities({
  store,
  temporal,
  onRecorded,
}: RecordPorts): Pick<ControlActivities, 'record' | 'requestPromotion'> {
  return {
    record: async (requests) => {
      const receipts = await store.recordAll(requests).catch((error: unknown) => {
        // Cancelled before it was started, or reset after its end: the workflow ends here, before it has done anything.
        throw error instanceof SessionSealed ? refusal(failures.sessionSealed, error.message, error) : error;
      });
      onRecorded(requests.filter((_, place) => receipts[place]?.repeated === false));
    },

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
  };
}
