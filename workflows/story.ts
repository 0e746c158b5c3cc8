/**
 * A session's state and how it is told: every transition changes the state, the Temporal Web UI and the record, in that
 * order and through one method.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { endedStatuses, maxFindings } from '../temporal/contract/messages.ts';
import type {
  CancelRequest,
  Detail,
  Digest,
  Finding,
  SessionInput,
  SessionState,
  Timestamp,
} from '../temporal/contract/messages.ts';
import { describeState } from './details.ts';
import { control, record } from './proxies.ts';
import { phaseAttributes } from './search-attributes.ts';

/** How a session ends. */
export type Ending = Pick<SessionState, 'status' | 'outcome' | 'reason'> & { readonly findings?: readonly Finding[] };

export interface Telling {
  readonly actor?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly artifacts?: readonly Digest[];
}

export class Story {
  state: SessionState;
  /** Counts this run's records; with the run's id it names each, so that a repeated step is recorded once. */
  private steps = 0;
  private shownPhase = '';

  constructor(input: SessionInput) {
    this.state = {
      id: input.sessionId,
      status: 'queued',
      detail: null,
      outcome: null,
      reason: null,
      goal: input.goal,
      requester: input.requester,
      repository: input.repository,
      baseRef: input.baseRef,
      baseCommit: null,
      createdAt: input.createdAt,
      endedAt: null,
      job: null,
      round: null,
      plan: null,
      gate: null,
      candidate: null,
      findings: [],
      validation: null,
      promotion: null,
      policy: { bundleDigest: null, profile: 'personal' },
    };
  }

  get ended(): boolean {
    return endedStatuses.includes(this.state.status);
  }

  /** Work goes on: never said while a person is waited for. */
  async goOn(detail: Detail, type: string, change: Partial<SessionState> = {}, telling: Telling = {}): Promise<void> {
    await this.tell(type, { status: 'running', detail, gate: null, ...change }, telling);
  }

  async tell(type: string, change: Partial<SessionState>, telling: Telling = {}): Promise<void> {
    const bounded = change.findings === undefined ? change : { ...change, findings: capFindings(change.findings) };
    this.state = { ...this.state, ...bounded };
    this.show();
    await record({
      id: `${workflowInfo().runId}/${++this.steps}`,
      sessionId: this.state.id,
      type,
      at: now(),
      actor: telling.actor ?? 'aas',
      change: bounded,
      data: telling.data ?? {},
      artifacts: telling.artifacts ?? [],
    });
  }

  /** The last record, the request to seal, and then everybody who waits for an answer gets it. Survives cancellation. */
  async end(ending: Ending, cancelRequest: CancelRequest | null): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      const findings = ending.findings ?? this.state.findings;
      const { status, outcome, reason } = ending;
      if (cancelRequest !== null) {
        const { actor, reason: why } = cancelRequest;
        await this.tell('session.cancel_requested', {}, { actor, data: { reason: why } });
      }
      await this.tell('session.ended', { status, outcome, reason, findings, detail: null, gate: null, endedAt: now() });
      await control.startSeal({ sessionId: this.state.id });
      await condition(allHandlersFinished);
    });
  }

  private show(): void {
    const phase = phaseAttributes(this.state);
    const key = JSON.stringify(phase.map(({ value }) => value));
    if (key !== this.shownPhase) upsertSearchAttributes(phase);
    this.shownPhase = key;
    setCurrentDetails(describeState(this.state));
  }
}

/** Workflow time: replayed as it was. */
export const now = (): Timestamp => new Date().toISOString();

/** At most `maxFindings` enter history and the row, the gravest first; the rest is counted. */
function capFindings(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= maxFindings) return findings;
  const gravity = { deny: 0, review: 1, info: 2 };
  const sorted = [...findings].sort((a, b) => gravity[a.severity] - gravity[b.severity]);
  const rest = findings.length - (maxFindings - 1);
  const more: Finding = { severity: 'info', rule: 'findings.more', message: `${rest} further findings are not listed` };
  return [...sorted.slice(0, maxFindings - 1), more];
}
