import { z } from 'zod';
import { decisionKindSchema } from '../../temporal/contract/evidence.ts';
import { endedStatuses } from '../../temporal/contract/messages.ts';
import type {
  Decision,
  DecisionAnswer,
  GateView,
  SessionState,
  SignedDecision,
} from '../../temporal/contract/messages.ts';
import { artifactRefSchema, digestSchema, nameSchema } from '../../temporal/contract/primitives.ts';
import { createRepeating, nonceOf } from './decide-again.ts';
import { OperationError, unknownSession } from './errors.ts';
import { parseInput } from './parse.ts';
import type { Caller, OperationPorts } from './ports.ts';

export const decisionRequestSchema = z
  .strictObject({
    kind: decisionKindSchema,
    /** The gate this is for: an old click must not approve a new gate. */
    gate: z.string().min(1).max(64),
    /** What the gate shows as its subject. An approval must name it: what was looked at is what is approved. */
    subject: digestSchema.nullable().optional(),
    reason: z.string().trim().min(1).max(4000).nullable().default(null),
    note: z.string().trim().min(1).max(16_000).nullable().default(null),
    fresh: z.boolean().default(false),
    agent: nameSchema.nullable().default(null),
    patch: artifactRefSchema.nullable().default(null),
  })
  .refine((decision) => decision.kind !== 'approve' || decision.subject !== undefined, {
    path: ['subject'],
    error: 'an approval names the subject it is about, as the open gate shows it',
  })
  .refine((decision) => decision.kind !== 'amend' || decision.patch !== null, {
    path: ['patch'],
    error: 'an amendment names its patch: put the bytes to /patches first',
  })
  .meta({ id: 'DecisionRequest' });
export type DecisionRequest = z.output<typeof decisionRequestSchema>;

export interface Decided {
  readonly answer: DecisionAnswer;
  /** True when the idempotency key had been used before, for the same decision: it counts once. */
  readonly replayed: boolean;
}

/**
 * How long a decision may be used after its gate's deadline, until which others who must approve too may take. Long enough
 * for the promoter's queue and for checks that run again on a moved base; it is bound to one gate and one subject, so age
 * adds no reach.
 */
const decisionTtlMs = 24 * 60 * 60_000;

export function createDeciding(ports: OperationPorts) {
  const { store, artifacts, workflows, signDecision } = ports;
  const repeated = createRepeating(ports);

  /**
   * Signs and sends a decision; resolves once it was verified and recorded. `idempotencyKey` makes a repeated call the
   * same decision. Rejects `input.invalid`, `session.unknown`, `gate.*`, `decision.invalid`, `temporal.unavailable`, and
   * `idempotency.conflict` when the key was used for another decision.
   */
  async function decide(
    sessionId: string,
    input: unknown,
    caller: Caller,
    idempotencyKey: string | null,
  ): Promise<Decided> {
    const request = parse(input);
    const nonce = nonceOf(sessionId, caller, idempotencyKey);
    // The state first: if the decision of this key has closed the gate, it is among the records that are read after it.
    const state = await stateOf(sessionId);
    const earlier = idempotencyKey === null ? null : await repeated(sessionId, request, nonce);
    if (earlier !== null) return { answer: earlier, replayed: true };
    const signed = await build(state, request, caller, nonce);
    // Under its nonce Temporal knows it too: what is not on record yet is still one decision.
    return { answer: await workflows.decide(signed, nonce), replayed: false };
  }

  /** The signed decision without sending it: what `approve --print` shows, for a Signal or Update by hand. */
  async function signDecisionOnly(sessionId: string, input: unknown, caller: Caller): Promise<SignedDecision> {
    const request = parse(input);
    return build(await stateOf(sessionId), request, caller, nonceOf(sessionId, caller, null));
  }

  const parse = (input: unknown): DecisionRequest => parseInput(decisionRequestSchema, input, 'The decision');

  async function stateOf(sessionId: string): Promise<SessionState> {
    const state = await store.session(sessionId);
    if (state === null) throw unknownSession(sessionId);
    return state;
  }

  async function build(
    state: SessionState,
    request: DecisionRequest,
    caller: Caller,
    nonce: string,
  ): Promise<SignedDecision> {
    const gate = openGate(state, request.gate);
    if (!gate.offers.includes(request.kind)) {
      throw new OperationError(
        'gate.not_offered',
        `${gate.id} takes ${gate.offers.join(', ')}; ${request.kind} is not offered`,
        {
          next: `Choose one of: ${gate.offers.join(', ')}`,
        },
      );
    }
    if (request.subject !== undefined && request.subject !== gate.subject) throw staleSubject(gate);
    if (request.patch !== null && !(await artifacts.has(request.patch.digest))) {
      throw new OperationError('artifact.unknown', `There is no patch ${request.patch.digest}`, {
        next: `Send its bytes to /api/v1/sessions/${state.id}/patches first`,
      });
    }
    const now = Date.now();
    const decision: Decision = {
      type: 'aas.dev/decision/v1',
      session: state.id,
      ...request,
      subject: gate.subject,
      actor: caller.name,
      method: caller.method,
      decidedAt: new Date(now).toISOString(),
      expiresAt: new Date(Date.parse(gate.deadline) + decisionTtlMs).toISOString(),
      nonce,
    };
    return { decision, envelope: signDecision(decision) };
  }

  return { decide, signDecisionOnly };
}

/** Early and clear; the workflow's own guard judges again, on what is true there and then. */
function openGate(state: SessionState, gateId: string): GateView {
  if (endedStatuses.includes(state.status)) {
    throw new OperationError(
      'gate.not_open',
      `Session ${state.id} has ended (${state.outcome ?? state.status}): no gate is open`,
      {
        next: `Look at it with \`aas session view ${state.id}\``,
      },
    );
  }
  if (state.gate === null) {
    throw new OperationError('gate.not_open', `Session ${state.id} waits for no decision now`, {
      next: `Wait for it with \`aas session wait ${state.id} --for gate\``,
    });
  }
  if (state.gate.id !== gateId) {
    throw new OperationError('gate.stale', `Gate ${gateId.slice(0, 64)} is not open; ${state.gate.id} is`, {
      next: 'Look at the session again and decide on what is there now',
    });
  }
  return state.gate;
}

const staleSubject = (gate: GateView) =>
  new OperationError('gate.stale', `What waits at ${gate.id} is not what you decided on`, {
    next: 'Look at the session again and decide on what is there now',
  });
