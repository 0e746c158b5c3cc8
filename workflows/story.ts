/**
 * A session's state and how it is told: every transition changes the state at once, and is on record, and in the Temporal Web
 * UI, before the session waits for anything.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { boundedFindings, endedStatuses } from '../temporal/contract/messages.ts';
import type {
  CancelRequest,
  Detail,
  Digest,
  Finding,
  RecordRequest,
  SessionInput,
  SessionState,
  Timestamp,
} from '../temporal/contract/messages.ts';
import { describeState } from './details.ts';
import { record } from './proxies.ts';
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
  private untold: RecordRequest[] = [];
  /** Records are written one batch after the other. */
  private writing: Promise<void> = Promise.resolve();
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
  goOn(detail: Detail, type: string, change: Partial<SessionState> = {}, telling: Telling = {}): void {
    this.tell(type, { status: 'running', detail, gate: null, ...change }, telling);
  }

  /** Changes the state now; it is on record with the next `told` or `meanwhile`, in the order of telling. */
  tell(type: string, change: Partial<SessionState>, telling: Telling = {}): void {
    const bounded = change.findings === undefined ? change : { ...change, findings: boundedFindings(change.findings) };
    this.state = { ...this.state, ...bounded };
    this.untold.push({
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

  /** Resolves when all that was told so far is on record: one step, however much it was. */
  told(): Promise<void> {
    const records = this.untold;
    this.untold = [];
    if (records.length === 0) return this.writing;
    this.show();
    this.writing = this.writing.then(() => record(records)).then(() => undefined);
    return this.writing;
  }

  /**
   * A step, and what was told before it on record meanwhile. Temporal learns of the step only with the end of the workflow
   * task, which waits for the record; what must never come before its record awaits `told` first.
   */
  async meanwhile<T>(step: Promise<T>): Promise<T> {
    const [result] = await Promise.all([step, this.told()]);
    return result;
  }

  /** The last record, and then everybody who waits for an answer gets it. Survives cancellation. */
  async end(ending: Ending, cancelRequest: CancelRequest | null): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      const findings = ending.findings ?? this.state.findings;
      const { status, outcome, reason } = ending;
      if (cancelRequest !== null) {
        const { actor, reason: why } = cancelRequest;
        this.tell('session.cancel_requested', {}, { actor, data: { reason: why } });
      }
      this.tell('session.ended', { status, outcome, reason, findings, detail: null, gate: null, endedAt: now() });
      await this.told();
      await condition(allHandlersFinished);
    });
  }

  /** In the Temporal Web UI. Phases that lasted no longer than a workflow task are passed over. */
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
