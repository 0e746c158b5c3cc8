/** What the Temporal Web UI and `temporal workflow list` can filter by. Never anything secret: these are plain text. */
import { defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import type { SessionState } from '../temporal/contract/messages.ts';

const phase = defineSearchAttributeKey('AasPhase', 'KEYWORD');
const outcome = defineSearchAttributeKey('AasOutcome', 'KEYWORD');
const waitingFor = defineSearchAttributeKey('AasWaitingFor', 'KEYWORD');

/** The attributes that change as a session goes on; `AasRepository` and `AasRequester` are set at its start. */
export function phaseAttributes(state: SessionState): SearchAttributeUpdatePair[] {
  return [
    { key: phase, value: state.detail ?? state.status },
    { key: outcome, value: state.outcome },
    { key: waitingFor, value: state.gate?.id ?? null },
  ];
}
