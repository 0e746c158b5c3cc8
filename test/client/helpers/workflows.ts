import { OperationError } from '../../../client/operations/errors.ts';
import type { SessionWorkflows } from '../../../client/operations/workflows.ts';
import type { SessionInput, SignedDecision } from '../../../temporal/contract/messages.ts';

export interface FakeWorkflows extends SessionWorkflows {
  readonly started: SessionInput[];
  readonly decided: { decision: SignedDecision; updateId: string }[];
  /** Set to false: Temporal is away. */
  up: boolean;
  /** Sessions that Temporal does not take. */
  readonly refused: Set<string>;
  /** What the next decision is refused with. */
  refusal: OperationError | null;
  /** What a decision that counts does, besides being answered. */
  onDecide: (decision: SignedDecision) => Promise<void>;
  /** What cancelling does, besides answering. */
  onCancel: (sessionId: string) => Promise<'ended' | 'stopping' | 'gone'>;
}

const away = () => new OperationError('temporal.unavailable', 'Temporal does not answer', { next: 'aas up' });

/** Takes everything, remembers it, and starts nothing. */
export function fakeWorkflows(): FakeWorkflows {
  const fake: FakeWorkflows = {
    started: [],
    decided: [],
    up: true,
    refused: new Set(),
    refusal: null,
    onDecide: async () => undefined,
    onCancel: async () => 'gone',
    async start(input) {
      if (!fake.up) throw away();
      if (fake.refused.has(input.sessionId))
        throw new OperationError('temporal.refused', 'Temporal refuses', { next: '' });
      if (!fake.started.some(({ sessionId }) => sessionId === input.sessionId)) fake.started.push(input);
    },
    async decide(decision, updateId) {
      if (!fake.up) throw away();
      if (fake.refusal) throw fake.refusal;
      const { gate, kind } = decision.decision;
      // One Update id is one Update: its handler ran once, and every caller gets its answer.
      const ran = fake.decided.some((earlier) => earlier.updateId === updateId);
      fake.decided.push({ decision, updateId });
      if (!ran) await fake.onDecide(decision);
      return { gate, kind, accepted: true };
    },
    async cancel(sessionId) {
      if (!fake.up) throw away();
      return fake.onCancel(sessionId);
    },
    history: async () => null,
  };
  return fake;
}
