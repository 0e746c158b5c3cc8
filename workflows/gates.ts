/**
 * People. One guarded gate at a time; two doors (Update and Signal) into one guard and one queue; silence is a refusal.
 *
 * The guard keeps the story correct. It is no security: whoever reaches Temporal can send what they like, so a decision
 * counts only once `verifyDecision` has checked its signature, and the promoter checks it again.
 */
import { ApplicationFailure, condition, setHandler, isCancellation } from '@temporalio/workflow';
import { failures } from '../temporal/contract/messages.ts';
import type {
  Decision,
  DecisionAnswer,
  DecisionKind,
  Digest,
  GateKind,
  GateView,
  SessionState,
  SignedDecision,
} from '../temporal/contract/messages.ts';
import { stepFailure } from './failures.ts';
import { decideSignal, decideUpdate } from './messages.ts';
import { control } from './proxies.ts';
import { hasTexts } from './shapes.ts';
import { now } from './story.ts';
import type { Story } from './story.ts';

export interface GateRequest {
  readonly kind: GateKind;
  readonly round: number;
  readonly subject: Digest | null;
  readonly offers: readonly DecisionKind[];
  readonly reason: string;
  readonly deadlineMs: number;
  /** Kept in the row while the gate is open, beside the gate itself. */
  readonly change?: Partial<SessionState>;
}

/** A decision that was verified and recorded; `digest` is its envelope in the artifact store. */
export interface CountedDecision {
  readonly decision: Decision;
  readonly digest: Digest;
}

interface Submission {
  readonly signed: SignedDecision;
  readonly settle: (answer: DecisionAnswer) => void;
  readonly fail: (reason: unknown) => void;
}

/** Refused decisions that came by Signal have nobody to answer to; this many are recorded for each gate. */
const maxRecordedRefusals = 20;

export class Gates {
  private readonly story: Story;
  private gate: GateView | null = null;
  /** Decisions in order of arrival. Handlers only push here; the one loop in `open` takes them out. */
  private submissions: Submission[] = [];
  /** People whose approval already counts at the open gate: one person, one vote. */
  private voters: string[] = [];
  private refusals = 0;

  constructor(story: Story) {
    this.story = story;
    // Validators must be synchronous: the SDK does not await them, and one that returns a promise refuses nothing.
    setHandler(decideUpdate, (signed: SignedDecision) => this.submit(signed), {
      validator: (signed: SignedDecision) => this.guard(signed),
    });
    setHandler(decideSignal, (signed: SignedDecision) => {
      this.submit(signed).catch(() => undefined);
    });
  }

  /** Opens a gate and resolves with the first decision that counts, or null when its deadline passes. */
  async open(request: GateRequest): Promise<CountedDecision | null> {
    const [first] = (await this.collect(request, 1)) ?? [];
    return first ?? null;
  }

  /** Opens a gate for `count` approvals by distinct people; resolves early with the first other decision. */
  async collect(request: GateRequest, count: number): Promise<CountedDecision[] | null> {
    const gate = gateView(request);
    this.gate = gate;
    this.voters = [];
    this.refusals = 0;
    const change = { ...request.change, status: 'waiting', detail: gate.kind, gate } as const;
    try {
      this.story.tell('gate.opened', change, { data: { gate } });
      const approvals: CountedDecision[] = [];
      while (approvals.length < count) {
        const next = await this.next(gate, count - approvals.length);
        if (next === null) return null;
        if (next.decision.kind !== 'approve') return [next];
        approvals.push(next);
      }
      return approvals;
    } finally {
      this.gate = null;
      this.turnAwayRest();
    }
  }

  private async next(gate: GateView, missing: number): Promise<CountedDecision | null> {
    for (;;) {
      const remainingMs = Date.parse(gate.deadline) - Date.now();
      if (remainingMs <= 0 || !(await this.story.meanwhile(this.submission(gate, remainingMs)))) {
        this.story.tell('gate.expired', { gate: null }, { data: { gate: gate.id, deadline: gate.deadline } });
        return null;
      }
      const counted = await this.count(gate, missing);
      if (counted !== null) return counted;
    }
  }

  private submission(gate: GateView, withinMs: number): Promise<boolean> {
    return condition(() => this.submissions.length > 0, withinMs, { summary: `person: ${gate.id}` });
  }

  /** Verifies and records the oldest submission; null when it does not count. `missing` approvals decide the gate. */
  private async count(gate: GateView, missing: number): Promise<CountedDecision | null> {
    const submission = this.submissions.shift();
    if (submission === undefined) return null;
    try {
      // Again: the gate may have moved on between the door and the head of the queue.
      this.guard(submission.signed);
      const { decision } = submission.signed;
      const digest = await control.verifyDecision(submission.signed);
      this.voters.push(decision.actor);
      const decides = decision.kind !== 'approve' || missing === 1;
      const change = decides ? ({ status: 'running', detail: null, gate: null } as const) : {};
      const waitedMs = Date.now() - Date.parse(gate.opensAt);
      const data = { ...describeDecision(decision, digest), waitedMs };
      this.story.tell('gate.decided', change, { actor: decision.actor, artifacts: [digest], data });
      // The answer leaves with the end of this workflow task, which waits for its records.
      submission.settle({ gate: gate.id, kind: decision.kind, accepted: true });
      return { decision, digest };
    } catch (error) {
      if (isCancellation(error)) submission.fail(refuse(failures.gateNotOpen, 'The session was cancelled'));
      const refusal = refusalOf(error);
      submission.fail(refusal);
      this.recordRefusal(gate, refusal);
      return null;
    }
  }

  private recordRefusal(gate: GateView, refusal: ApplicationFailure): void {
    this.refusals++;
    if (this.refusals > maxRecordedRefusals) return;
    this.story.tell('decision.refused', {}, { data: { gate: gate.id, reason: refusal.message } });
  }

  private submit(signed: SignedDecision): Promise<DecisionAnswer> {
    return new Promise((settle, fail) => {
      this.submissions.push({ signed, settle, fail });
    });
  }

  /** Throws unless this decision can be taken at the gate that is open now. Reads only. */
  private guard(signed: SignedDecision): void {
    const { gate } = this;
    const { id } = this.story.state;
    const decision = decisionOf(signed);
    if (gate === null) {
      throw refuse(failures.gateNotOpen, `Session ${id} waits for no decision now: look at it with session view`);
    }
    if (decision.session !== id || decision.gate !== gate.id) {
      throw refuse(
        failures.gateStale,
        `This decision is for gate ${decision.gate} of ${decision.session}; open is ${gate.id} of ${id}`,
      );
    }
    // A worker that was away hears of decisions before it hears that the deadline has passed.
    if (!(Date.now() < Date.parse(gate.deadline))) {
      throw refuse(failures.gateNotOpen, `${gate.id} closed at ${gate.deadline}, and silence is a refusal`);
    }
    if (decision.subject !== gate.subject) {
      throw refuse(failures.gateStale, `What waits at ${gate.id} is no longer what was decided on: look at it again`);
    }
    if (!gate.offers.includes(decision.kind)) {
      throw refuse(
        failures.gateNotOffered,
        `${gate.id} takes ${gate.offers.join(', ')}; ${decision.kind} is not offered`,
      );
    }
    if (!(Date.parse(decision.expiresAt) > Date.now())) {
      throw refuse(failures.decisionInvalid, `The decision expired at ${decision.expiresAt}: decide again`);
    }
    if (decision.kind === 'amend' && decision.patch === null) {
      throw refuse(failures.decisionInvalid, 'An amendment needs a patch');
    }
    if (decision.kind === 'approve' && this.voters.includes(decision.actor)) {
      throw refuse(failures.decisionInvalid, `${decision.actor} has already approved; another person must`);
    }
  }

  /** Who arrives with a decision after the one that counted hears that the gate is closed, instead of waiting for ever. */
  private turnAwayRest(): void {
    for (const { fail } of this.submissions)
      fail(refuse(failures.gateNotOpen, 'The gate was decided before this decision'));
    this.submissions = [];
  }
}

function gateView({ kind, round, subject, offers, reason, deadlineMs }: GateRequest): GateView {
  const opensAt = now();
  const deadline = new Date(Date.parse(opensAt) + deadlineMs).toISOString();
  return { id: `${kind}-${round}`, kind, opensAt, deadline, subject, offers, reason };
}

function decisionOf(signed: SignedDecision | null | undefined): Decision {
  const decision = signed?.decision;
  if (decision !== undefined && hasTexts(decision, 'session', 'gate', 'kind', 'actor', 'expiresAt')) return decision;
  throw refuse(
    failures.decisionInvalid,
    'Expected {"decision": ..., "envelope": ...} as `aas approve --print` writes it',
  );
}

function describeDecision(decision: Decision, digest: Digest): Record<string, unknown> {
  const { gate, kind, subject, method, reason, note, fresh, agent, patch } = decision;
  return { gate, kind, subject, method, reason, note, fresh, agent, patch, decision: digest };
}

const refuse = (type: string, message: string) => ApplicationFailure.create({ type, message, nonRetryable: true });

/** The refusal itself, whether the guard threw it here or an activity did. */
function refusalOf(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const { type, reason } = stepFailure(error);
  return refuse(type ?? failures.decisionInvalid, reason);
}
