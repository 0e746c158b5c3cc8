/**
 * The hallway's plain half: names and shapes that workflows, activities and clients share.
 *
 * Nothing here may import a library or another room: workflows take values from this file, and every byte of it is in
 * the workflow bundle. What arrives from outside is parsed by the schemas beside this file; inside, these types suffice.
 */

/** `sha256:` followed by 64 lowercase hex digits. */
export type Digest = `sha256:${string}`;
/** A full git object id: 40 (SHA-1) lowercase hex digits. */
export type Oid = string;
/** RFC 3339 in UTC, as `Date.prototype.toISOString` writes it. */
export type Timestamp = string;

/** A content-addressed value: its digest is its name. `bytes` is its length. */
export interface ArtifactRef {
  readonly digest: Digest;
  readonly bytes: number;
  readonly mediaType: string;
}

// ---------------------------------------------------------------------------------------------------- names

/** A capability is a task queue; a worker announces what it can do by the queues it polls. */
export const queues = {
  sessions: 'sessions',
  source: 'source',
  sandbox: 'sandbox',
  validate: 'validate',
  promote: 'promote',
  host: (hostId: string) => `host.${hostId}`,
} as const;

export const workflowTypes = { session: 'session', promotions: 'promotions' } as const;

/** Workflow ids, made in one place so that every process finds the same one. */
export const workflowIds = {
  session: (sessionId: string) => `session:${sessionId}`,
  /** `target` is the canonical target key (see `Target.key`). */
  promotions: (target: string) => `promotions:${target}`,
} as const;

export const messageNames = {
  /** Update: decide the open gate, answered once the decision was verified and recorded. */
  decide: 'decide',
  /** Signal: the same through the second door (Temporal Web UI, `temporal workflow signal`). */
  decideSignal: 'decideSignal',
  /** Update: cancel; answered when the session has ended, with what really happened. */
  cancel: 'cancel',
  /** Update: answered when a gate is open or the session has ended, whichever the caller asked for. */
  awaitState: 'awaitState',
  /** Query: the live state. */
  state: 'state',
  /** Signals between a session and the promotions of its target. */
  requestPromotion: 'requestPromotion',
  withdrawPromotion: 'withdrawPromotion',
  promotionAnswered: 'promotionAnswered',
} as const;

/** Types of `ApplicationFailure`. The first list is never retried. */
export const failures = {
  badInput: 'Input.Bad',
  policyDenied: 'Policy.Denied',
  gateNotOpen: 'Gate.NotOpen',
  gateStale: 'Gate.Stale',
  gateNotOffered: 'Gate.NotOffered',
  decisionInvalid: 'Decision.Invalid',
  evidenceInvalid: 'Evidence.Invalid',
  patchUnusable: 'Patch.Unusable',
  sourceUnusable: 'Source.Unusable',
  sessionSealed: 'Session.Sealed',
  payloadsTooLarge: 'PayloadsTooLarge',
  /** Retried: the host has no room, the engine does not answer, the disk is full, the store is locked. */
  sandboxBusy: 'Sandbox.Busy',
  sandboxUnavailable: 'Sandbox.Unavailable',
  storeUnavailable: 'Store.Unavailable',
} as const;

export const nonRetryableFailures: string[] = [
  failures.badInput,
  failures.policyDenied,
  failures.gateNotOpen,
  failures.gateStale,
  failures.gateNotOffered,
  failures.decisionInvalid,
  failures.evidenceInvalid,
  failures.patchUnusable,
  failures.sourceUnusable,
  failures.sessionSealed,
  failures.payloadsTooLarge,
];

// ---------------------------------------------------------------------------------------------------- session

export type Status = 'queued' | 'running' | 'waiting' | 'finished' | 'refused' | 'failed' | 'cancelled';
export type GateKind = 'plan' | 'egress' | 'approval' | 'fallback' | 'budget' | 'base';
export type Detail = 'admitting' | 'planning' | 'executing' | 'inspecting' | 'validating' | 'promoting' | GateKind;
export type Outcome = 'promoted' | 'answered' | 'no_change' | 'policy_denied' | 'rejected' | 'expired';
export type DecisionKind = 'approve' | 'reject' | 'retry' | 'amend' | 'answer' | 'raise';

export const endedStatuses: readonly Status[] = ['finished', 'refused', 'failed', 'cancelled'];

/** Something a judge or a step wants a person to see. `deny` stops the candidate, `review` is a badge, `info` is a fact. */
export interface Finding {
  readonly severity: 'deny' | 'review' | 'info';
  /** A stable rule id, such as `paths.protected` or `run.timeout`. */
  readonly rule: string;
  readonly message: string;
  readonly path?: string;
}

/** At most this many findings enter history; the rest is counted. */
export const maxFindings = 50;

const gravity = { deny: 0, review: 1, info: 2 };

/** Denials first, otherwise as they came: whoever keeps only the first ones keeps the reason for a refusal. */
export const byGravity = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => gravity[a.severity] - gravity[b.severity]);

/** The gravest findings, as many as history holds; all of them, in their order, where it holds all. */
export function boundedFindings(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= maxFindings) return findings;
  const rest = findings.length - (maxFindings - 1);
  const more: Finding = { severity: 'info', rule: 'findings.more', message: `${rest} further findings are not listed` };
  return [...byGravity(findings).slice(0, maxFindings - 1), more];
}

export interface ChangedFile {
  readonly path: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'type_changed';
  /** git modes, `000000` where the side does not exist. */
  readonly oldMode: string;
  readonly newMode: string;
  readonly oldOid: Oid;
  readonly newOid: Oid;
  /** Length of the new blob in bytes, 0 for a deletion. */
  readonly bytes: number;
  readonly binary: boolean;
}

export interface CandidateView {
  readonly digest: Digest;
  readonly bytes: number;
  readonly files: readonly ChangedFile[];
}

export interface GateView {
  /** `<kind>-<round>` */
  readonly id: string;
  readonly kind: GateKind;
  readonly opensAt: Timestamp;
  readonly deadline: Timestamp;
  /** What a decision is about; null where there is nothing to approve yet (a fallback after a failed run). */
  readonly subject: Digest | null;
  readonly offers: readonly DecisionKind[];
  readonly reason: string;
}

export type CheckVerdict = 'pass' | 'fail';
export type RunVerdict = 'exited' | 'timeout' | 'oom' | 'output_limit' | 'cancelled' | 'killed' | 'start_failed';

export interface CheckView {
  readonly name: string;
  readonly argv: readonly string[];
  readonly image: string;
  readonly verdict: RunVerdict;
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly logDigest: Digest | null;
}

export interface ValidationView {
  readonly verdict: CheckVerdict;
  readonly baseCommit: Oid;
  readonly checks: readonly CheckView[];
  /** The signed check report. */
  readonly report: Digest;
}

export type PromotionMode = 'patch' | 'branch';

export interface PromotionView {
  readonly mode: PromotionMode;
  /** `refs/heads/aas/<session>` or the name of the promoted patch file. */
  readonly ref: string;
  /** The candidate's digest: what was approved is what was promoted. */
  readonly digest: Digest;
  /** The commit written in branch mode, null in patch mode. */
  readonly commit: Oid | null;
  /** The base the promoted bytes were validated on. */
  readonly baseCommit: Oid;
  /** The promoter's signed receipt. */
  readonly receipt: Digest;
}

export interface RoundView {
  readonly number: number;
  /** `command`, or `person` for an amendment. */
  readonly hand: string;
  readonly note: string | null;
  readonly hostId: string | null;
  /** Containers start on a host; a lost host makes the next placement. */
  readonly placement: number;
  readonly verdict: RunVerdict | null;
  readonly exitCode: number | null;
  readonly output: ArtifactRef | null;
  /** What the hand (or the person) changed, unjudged: a plain diff against the base. */
  readonly patch: ArtifactRef | null;
}

/**
 * The session as it is: the workflow's state, and (plus `links`) what `session view --json` prints. Every key is always
 * there, `null` when not known.
 */
export interface SessionState {
  readonly id: string;
  readonly status: Status;
  readonly detail: Detail | null;
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  readonly goal: string;
  readonly requester: string;
  readonly repository: string;
  readonly baseRef: string;
  readonly baseCommit: Oid | null;
  readonly createdAt: Timestamp;
  readonly endedAt: Timestamp | null;
  /** The signed JobSpec. */
  readonly job: Digest | null;
  readonly round: RoundView | null;
  readonly plan: Plan | null;
  readonly gate: GateView | null;
  readonly candidate: CandidateView | null;
  readonly findings: readonly Finding[];
  readonly validation: ValidationView | null;
  readonly promotion: PromotionView | null;
  readonly policy: { readonly bundleDigest: Digest | null; readonly profile: 'personal' | 'team' };
}

export interface SessionInput {
  readonly sessionId: string;
  /** The parsed request (`JobRequest`), so that nothing big enters history. */
  readonly request: ArtifactRef;
  readonly goal: string;
  readonly requester: string;
  readonly repository: string;
  readonly baseRef: string;
  readonly createdAt: Timestamp;
}

export interface SessionResult {
  readonly status: Status;
  readonly outcome: Outcome | null;
  readonly reason: string | null;
}

export interface AwaitStateRequest {
  readonly until: 'gate' | 'end';
}

// ---------------------------------------------------------------------------------------------------- decisions

/** A DSSE envelope (github.com/secure-systems-lab/dsse): `payload` and `sig` are base64, the signature is over the PAE. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What a person decided. Signed as it is here (RFC 8785 bytes) by the api's decision key. */
export interface Decision {
  readonly type: 'aas.dev/decision/v1';
  readonly session: string;
  readonly gate: string;
  readonly kind: DecisionKind;
  readonly subject: Digest | null;
  readonly actor: string;
  /** How the actor was recognised: `token` for a bearer token. */
  readonly method: string;
  readonly decidedAt: Timestamp;
  readonly expiresAt: Timestamp;
  readonly nonce: string;
  readonly reason: string | null;
  /** `retry`: what the next hand should know. `amend`: why. */
  readonly note: string | null;
  /** `retry` from the base instead of from the last round's tree. */
  readonly fresh: boolean;
  /** `retry` with another hand: an agent's name, or null for the same one. */
  readonly agent: string | null;
  /** `amend`: the patch, a plain diff against the base. */
  readonly patch: ArtifactRef | null;
}

/** The readable decision beside its signed form. The guard reads the first; `verifyDecision` refuses if they differ. */
export interface SignedDecision {
  readonly decision: Decision;
  readonly envelope: Envelope;
}

export interface DecisionAnswer {
  readonly gate: string;
  readonly kind: DecisionKind;
  readonly accepted: true;
}

export interface CancelRequest {
  readonly actor: string;
  readonly reason: string | null;
}

// ---------------------------------------------------------------------------------------------------- steps

/** A base, resolved once by the `source` capability. */
export interface Base {
  /** `file:<dev>:<ino>` of the real git directory, or the forge's id: two spellings of one repository are one key. */
  readonly repositoryKey: string;
  /** The location in one spelling: an absolute real path or a URL without credentials. */
  readonly repository: string;
  /** `refs/heads/main`, or null when the requester named a commit that nothing can move. */
  readonly ref: string | null;
  readonly commit: Oid;
  readonly tree: Oid;
  /** A git bundle whose one ref, `refs/aas/base`, is `commit`. */
  readonly bundle: ArtifactRef;
}

/** What a planner expects: shown at each gate and compared with what was really changed. It narrows, never widens. */
export interface Plan {
  readonly planner: string;
  readonly steps: readonly string[];
  readonly hand: string;
  /** Globs of paths that are expected to change; null when the planner has no opinion. */
  readonly paths: readonly string[] | null;
  readonly checks: readonly string[];
}

/** The single-writer unit: a repository and a branch. */
export interface Target {
  readonly key: string;
  readonly repository: string;
  readonly ref: string | null;
  readonly mode: PromotionMode;
}

/** What the workflow needs of an admitted job; the whole of it is in the signed artifact. */
export interface AdmittedJob {
  /** The signed JobSpec: the digest of its envelope. */
  readonly digest: Digest;
  readonly bundleDigest: Digest;
  readonly profile: 'personal' | 'team';
  readonly target: Target;
  readonly hand: string;
  /** Whether policy wants a person to see the plan before anything runs. */
  readonly planGate: boolean;
  readonly approvals: number;
  readonly maxRounds: number;
  readonly deadlines: { readonly planMs: number; readonly approvalMs: number; readonly fallbackMs: number };
  readonly timings: {
    /** A host is lost when its queue took no task for this long. */
    readonly hostLostAfterMs: number;
    /** A step that did not heartbeat for this long is given to another attempt. */
    readonly heartbeatMs: number;
    /** Longest run of one placement, the container's own time limit included. */
    readonly runMs: number;
    readonly validateMs: number;
  };
}

export type Admission =
  | { readonly verdict: 'admitted'; readonly job: AdmittedJob; readonly findings: readonly Finding[] }
  | { readonly verdict: 'refused'; readonly bundleDigest: Digest | null; readonly findings: readonly Finding[] };

export interface Host {
  readonly hostId: string;
  readonly queue: string;
}

/** One round on one host. `(sessionId, round, placement)` names the container and its worktree. */
export interface RunRequest {
  readonly sessionId: string;
  readonly round: number;
  readonly placement: number;
  readonly job: Digest;
  readonly base: Base;
  /** A patch to start from (the last round's tree), or null for the clean base. */
  readonly startPatch: ArtifactRef | null;
  readonly note: string | null;
}

export interface RunResult {
  readonly verdict: RunVerdict;
  readonly exitCode: number | null;
  readonly durationMs: number;
  /** Everything the command printed, capped with a marker. */
  readonly output: ArtifactRef;
  /** How many numbered chunks of live output there were. */
  readonly chunks: number;
  /** The derived difference between worktree and base, unjudged; null when nothing changed or the tree was refused. */
  readonly patch: ArtifactRef | null;
  /** What the walk of the worktree refused (devices, escaping links, hostile names ...) or dropped (ignored files). */
  readonly findings: readonly Finding[];
}

export interface InspectRequest {
  readonly sessionId: string;
  readonly job: Digest;
  readonly base: Base;
  /** The patch to judge: a hand's raw diff, a person's amendment, or (on a moved base) an approved candidate's diff. */
  readonly patch: ArtifactRef;
  readonly plan: Plan;
  /** Set when the base moved: the candidate is kept as it is, only its tree on the new base is judged. */
  readonly candidate: Digest | null;
}

export type Inspection =
  | { readonly verdict: 'no_change'; readonly findings: readonly Finding[] }
  | { readonly verdict: 'deny'; readonly findings: readonly Finding[] }
  | {
      readonly verdict: 'pass';
      readonly findings: readonly Finding[];
      readonly candidate: CandidateView;
      /** base + candidate, as git's tree id: every later stage rebuilds it and refuses on a difference. */
      readonly tree: Oid;
      /** The signed policy verdict. */
      readonly report: Digest;
    };

export interface ValidateRequest {
  readonly sessionId: string;
  readonly round: number;
  readonly job: Digest;
  readonly base: Base;
  readonly candidate: Digest;
  readonly tree: Oid;
}

export interface SubjectRequest {
  readonly sessionId: string;
  readonly job: Digest;
  readonly inspection: Digest;
  readonly report: Digest;
}

export interface PromotionRequest {
  /** `<sessionId>/<attempt>`: an answer is for one request. Attempts are counted through all rounds of a session. */
  readonly id: string;
  readonly sessionId: string;
  readonly target: Target;
  readonly base: Base;
  readonly evidence: Evidence;
}

/** Everything the promoter checks by itself, by digest. */
export interface Evidence {
  readonly job: Digest;
  readonly candidate: Digest;
  readonly inspection: Digest;
  readonly report: Digest;
  readonly decisions: readonly Digest[];
}

export type PromotionResult =
  | { readonly kind: 'promoted'; readonly promotion: PromotionView }
  | { readonly kind: 'base_moved'; readonly commit: Oid }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] }
  /** Taken back before anything was written. */
  | { readonly kind: 'withdrawn' }
  /** The promoter went silent: it may have written before. Asking again finds what it wrote. */
  | { readonly kind: 'unknown'; readonly message: string };

export interface PromotionAnswer {
  readonly id: string;
  readonly result: PromotionResult;
}

/** One transition: appended to the audit log and folded into the session's row in one transaction. */
export interface RecordRequest {
  /** Idempotency key: `<runId>/<counter>`. */
  readonly id: string;
  readonly sessionId: string;
  /** `session.admitted`, `gate.opened`, `promotion.intended`, ... */
  readonly type: string;
  readonly at: Timestamp;
  readonly actor: string;
  /** What changed in the session's state; folded over the row, and enough to rebuild it. */
  readonly change: Partial<SessionState>;
  /** Further facts of the event, shown by `session events`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Artifacts this session may be asked for from now on. */
  readonly artifacts: readonly Digest[];
}

export interface RecordReceipt {
  /** Place in the whole log, from 1. */
  readonly sequence: number;
  readonly hash: Digest;
}

// ---------------------------------------------------------------------------------------------------- activities

/** What each queue answers to. The factories in `activities/` return these; workflows know no more than this. */
export interface SourceActivities {
  resolveBase(request: { repository: string; ref: string }): Promise<Base>;
}
export interface ControlActivities {
  admit(request: { input: SessionInput; base: Base }): Promise<Admission>;
  /** `subject` is what a decision at the plan gate is about. */
  plan(request: { job: Digest }): Promise<{ plan: Plan; subject: Digest }>;
  inspect(request: InspectRequest): Promise<Inspection>;
  subject(request: SubjectRequest): Promise<Digest>;
  /** Resolves with the digest under which the envelope was kept; rejects `Decision.Invalid`. */
  verifyDecision(decision: SignedDecision): Promise<Digest>;
  /** Rejects `Evidence.Invalid` unless the promoter signed that it wrote exactly this, on this evidence, for this session. */
  verifyReceipt(request: { sessionId: string; promotion: PromotionView; evidence: Evidence }): Promise<void>;
  /** Appends records in order, in one transaction. */
  record(requests: readonly RecordRequest[]): Promise<void>;
  requestPromotion(request: PromotionRequest): Promise<void>;
}
export interface HandsActivities {
  claim(request: { sessionId: string; round: number }): Promise<Host>;
}
export interface HostActivities {
  runRound(request: RunRequest): Promise<RunResult>;
}
export interface ValidateActivities {
  validate(request: ValidateRequest): Promise<ValidationView>;
}
export interface PromoteActivities {
  promote(request: PromotionRequest): Promise<PromotionResult>;
}
