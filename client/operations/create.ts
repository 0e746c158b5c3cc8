import { canonicalJson, digestOf } from '../../artifacts/digest.ts';
import { jobRequestSchema } from '../../temporal/contract/job.ts';
import type { JobRequest } from '../../temporal/contract/job.ts';
import type { ArtifactRef, SessionInput, SessionState } from '../../temporal/contract/messages.ts';
import { OperationError } from './errors.ts';
import { parseInput } from './parse.ts';
import type { Caller, OperationPorts } from './ports.ts';
import { newSessionId } from './session-id.ts';
import { viewOf } from './view.ts';
import type { SessionView } from './view.ts';

export interface CreatedSession {
  /** The session as it was requested: a repeated request gets the same. */
  readonly session: SessionView;
  /** False while Temporal is away: the session is kept and starts by itself. */
  readonly started: boolean;
  /** True when the idempotency key had been used before, with the same request. */
  readonly replayed: boolean;
}

/** What is asked for is shown and kept for ever: credentials must not get in. */
const requestSchema = jobRequestSchema.refine(({ repository }) => !hasCredentials(repository), {
  path: ['repository'],
  error: 'a repository URL cannot carry a user or password: give the source worker a deploy key instead',
});

const hasCredentials = (location: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*:[^/?#]*@/i.test(location) || /^https?:\/\/[^/?#]*@/i.test(location);

const requestMediaType = 'application/vnd.aas.job-request.v1+json';

/** Sessions started in one go; the rest follows with the next call. */
const startBatch = 50;

export function createStarting(ports: OperationPorts) {
  const { store, artifacts, workflows, config } = ports;

  /** Keeps the request, then starts it. The row comes first: what was asked for is never lost. */
  async function createSession(input: unknown, caller: Caller, idempotencyKey: string | null): Promise<CreatedSession> {
    const request = parseInput(requestSchema, input, 'The job');
    const ref = await artifacts.put(Buffer.from(canonicalJson(request)), requestMediaType);
    const state = requestedState(request, caller, config.profile);
    const created = await store.createSession({
      state,
      request: ref.digest,
      requestBytes: ref.bytes,
      idempotency:
        idempotencyKey === null ? null : { caller: caller.name, key: idempotencyKey, bodyDigest: digestOf(request) },
    });
    if (created.kind === 'conflict') {
      throw new OperationError(
        'idempotency.conflict',
        `This Idempotency-Key was used for another request (session ${created.sessionId})`,
        {
          next: 'Send the first request again as it was, or choose a new key',
        },
      );
    }
    const { id } = created.state;
    const started = created.state.status !== 'queued' || (await tryStart(created.state, ref));
    const requested = created.kind === 'created' ? created.state : await asRequested(id, created.state);
    return { session: viewOf(requested, config), started, replayed: created.kind === 'existing' };
  }

  /** A session's first record holds its whole state as it was requested. */
  async function asRequested(id: string, current: SessionState): Promise<SessionState> {
    const [first] = await store.events(id, 0, 1);
    return first === undefined ? current : { ...current, ...first.change };
  }

  async function tryStart(state: SessionState, request: ArtifactRef): Promise<boolean> {
    try {
      await workflows.start(sessionInput(state, request));
    } catch (error) {
      if (error instanceof OperationError && error.code === 'temporal.unavailable') return false;
      throw error;
    }
    await store.markStarted(state.id);
    return true;
  }

  /**
   * Starts what was kept while Temporal was away, oldest first. Resolves with how many; stops when Temporal is away again.
   * What Temporal refuses keeps nobody else, and the first refusal is thrown at the end.
   */
  async function startUnstarted(): Promise<number> {
    let started = 0;
    let refused: OperationError | null = null;
    for (const { state, request, requestBytes } of await store.unstarted(startBatch)) {
      // Each start takes its time: this one may have been cancelled meanwhile.
      if ((await store.session(state.id))?.status !== 'queued') continue;
      const ref = { digest: request, bytes: requestBytes, mediaType: requestMediaType };
      try {
        if (!(await tryStart(state, ref))) break;
        started++;
      } catch (error) {
        if (!(error instanceof OperationError && error.code === 'temporal.refused')) throw error;
        refused ??= error;
      }
    }
    if (refused !== null) throw refused;
    return started;
  }

  return { createSession, startUnstarted };
}

function requestedState(request: JobRequest, caller: Caller, profile: 'personal' | 'team'): SessionState {
  return {
    id: newSessionId(),
    status: 'queued',
    detail: null,
    outcome: null,
    reason: null,
    goal: request.goal,
    requester: caller.name,
    repository: request.repository,
    baseRef: request.base,
    baseCommit: null,
    createdAt: new Date().toISOString(),
    endedAt: null,
    job: null,
    round: null,
    plan: null,
    gate: null,
    candidate: null,
    findings: [],
    validation: null,
    promotion: null,
    policy: { bundleDigest: null, profile },
  };
}

function sessionInput(state: SessionState, request: ArtifactRef): SessionInput {
  const { id: sessionId, goal, requester, repository, baseRef, createdAt } = state;
  return { sessionId, request, goal, requester, repository, baseRef, createdAt };
}
