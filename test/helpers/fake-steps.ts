/**
 * Steps without hands: what every queue answers, in memory, so that workflow tests can say what each step does. The
 * workflows, the Temporal server and the messages are the real ones.
 */
import { randomUUID } from 'node:crypto';
import { queues } from '../../temporal/contract/messages.ts';
import type {
  AdmittedJob,
  ArtifactRef,
  Base,
  ControlActivities,
  Digest,
  Inspection,
  Plan,
  PromotionRequest,
  PromotionResult,
  RecordRequest,
  RunRequest,
  RunResult,
  SignedDecision,
  ValidationView,
} from '../../temporal/contract/messages.ts';

export const digest = (seed: string): Digest =>
  `sha256:${Buffer.from(seed).toString('hex').padEnd(64, '0').slice(0, 64)}`;
export const oid = (seed: string): string => Buffer.from(seed).toString('hex').padEnd(40, '0').slice(0, 40);
export const artifact = (seed: string): ArtifactRef => ({
  digest: digest(seed),
  bytes: seed.length,
  mediaType: 'text/plain',
});

const plan: Plan = { planner: 'fixed', steps: [], hand: 'command', paths: null, checks: ['tests'] };

export function admittedJob(change: Partial<AdmittedJob> = {}): AdmittedJob {
  return {
    digest: digest('job'),
    bundleDigest: digest('bundle'),
    profile: 'personal',
    target: { key: 'file:1:1#refs/heads/main', repository: '/repo', ref: 'refs/heads/main', mode: 'patch' },
    hand: 'command',
    planGate: false,
    approvals: 1,
    maxRounds: 3,
    deadlines: { planMs: 60_000, approvalMs: 60_000, fallbackMs: 60_000 },
    timings: { hostLostAfterMs: 2_000, heartbeatMs: 2_500, runMs: 60_000, validateMs: 60_000 },
    ...change,
  };
}

export function base(commit: string): Base {
  return {
    repositoryKey: 'file:1:1',
    repository: '/repo',
    ref: 'refs/heads/main',
    commit: oid(commit),
    tree: oid(`${commit}-tree`),
    bundle: artifact(`${commit}-bundle`),
  };
}

export const runResult = (change: Partial<RunResult> = {}): RunResult => ({
  verdict: 'exited',
  exitCode: 0,
  durationMs: 5,
  output: artifact('output'),
  chunks: 1,
  patch: artifact('patch'),
  findings: [],
  ...change,
});

export const passed = (candidate = 'candidate'): Inspection => ({
  verdict: 'pass',
  findings: [],
  candidate: { digest: digest(candidate), bytes: 100, files: [] },
  tree: oid('tree'),
  report: digest(`inspection-${candidate}`),
});

export const validation = (change: Partial<ValidationView> = {}): ValidationView => ({
  verdict: 'pass',
  baseCommit: oid('base'),
  checks: [],
  report: digest('report'),
  ...change,
});

export const promoted = (request: PromotionRequest): PromotionResult => ({
  kind: 'promoted',
  promotion: {
    mode: 'patch',
    ref: `${request.sessionId}.patch`,
    digest: request.evidence.candidate,
    commit: null,
    baseCommit: request.base.commit,
    receipt: digest('receipt'),
  },
});

/** Every step with an answer that lets a session pass. Tests replace the one they are about. */
export interface Steps extends Omit<ControlActivities, 'record' | 'requestPromotion'> {
  claim(request: { sessionId: string; round: number }): Promise<{ hostId: string; queue: string }>;
  resolveBase(request: { repository: string; ref: string }): Promise<Base>;
  runRound(request: RunRequest): Promise<RunResult>;
  validate(request: { base: Base }): Promise<ValidationView>;
  promote(request: PromotionRequest): Promise<PromotionResult>;
  onRecord(record: RecordRequest): Promise<unknown> | undefined;
}

export function passingSteps(): Steps {
  // The single writer of a target is shared by all who name it: every bench has a target of its own.
  const target = {
    key: `test:${randomUUID()}#main`,
    repository: '/repo',
    ref: 'refs/heads/main',
    mode: 'patch',
  } as const;
  return {
    resolveBase: async () => base('base'),
    admit: async () => ({ verdict: 'admitted', job: admittedJob({ target }), findings: [] }),
    plan: async () => ({ plan, subject: digest('plan') }),
    claim: async () => ({ hostId: 'test', queue: queues.host('test') }),
    runRound: async () => runResult(),
    inspect: async () => passed(),
    subject: async () => digest('subject'),
    validate: async (request) => validation({ baseCommit: request.base.commit }),
    verifyDecision: async ({ decision }: SignedDecision) => digest(`decision-${decision.nonce}`),
    verifyReceipt: async () => undefined,
    promote: async (request) => promoted(request),
    onRecord: () => undefined,
  };
}
