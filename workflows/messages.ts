/** Updates, Signals and Queries as definitions; their names are in the contract, where clients find them. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { messageNames } from '../temporal/contract/messages.ts';
import type {
  AwaitStateRequest,
  CancelRequest,
  DecisionAnswer,
  PromotionAnswer,
  PromotionRequest,
  SessionState,
  SignedDecision,
} from '../temporal/contract/messages.ts';

export const decideUpdate = defineUpdate<DecisionAnswer, [SignedDecision]>(messageNames.decide);
export const decideSignal = defineSignal<[SignedDecision]>(messageNames.decideSignal);
export const cancelUpdate = defineUpdate<SessionState, [CancelRequest]>(messageNames.cancel);
export const awaitStateUpdate = defineUpdate<SessionState, [AwaitStateRequest]>(messageNames.awaitState);
export const stateQuery = defineQuery<SessionState>(messageNames.state);

export const requestPromotionSignal = defineSignal<[PromotionRequest]>(messageNames.requestPromotion);
export const withdrawPromotionSignal = defineSignal<[{ id: string }]>(messageNames.withdrawPromotion);
export const promotionAnsweredSignal = defineSignal<[PromotionAnswer]>(messageNames.promotionAnswered);
