/** Genuine evidence for a real change to a real repository, signed by the keys of an installation of its own. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { createAdmissionActivities } from '../../activities/admit.ts';
import { createDecisionActivities } from '../../activities/decisions.ts';
import { createInspectionActivities } from '../../activities/inspect.ts';
import { createEvidence } from '../../activities/ports/evidence.ts';
import type { Evidence } from '../../activities/ports/evidence.ts';
import { createBaseRepositories } from '../../activities/ports/git/base-repositories.ts';
import { createSource } from '../../activities/ports/git/source.ts';
import { openPatchOutbox } from '../../activities/ports/patch-outbox.ts';
import { fixedPlanner } from '../../activities/ports/planner.ts';
import { createPromotionWriter } from '../../activities/ports/promotion-writer.ts';
import type { PromotionWriter } from '../../activities/ports/promotion-writer.ts';
import { createPromoteActivities } from '../../activities/promote.ts';
import type { ArtifactStore } from '../../artifacts/artifact-store.ts';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import { createKeys, loadPublicKeys, loadSigner } from '../../artifacts/keys.ts';
import { parseFloor } from '../../policies/floor.ts';
import { jobRequestSchema } from '../../temporal/contract/job.ts';
import type {
  AdmittedJob,
  Base,
  ControlActivities,
  Decision,
  Digest,
  Plan,
  PromoteActivities,
  PromotionRequest,
  SessionInput,
} from '../../temporal/contract/messages.ts';
import type { WorkingCopy } from './example.ts';
import { exampleGoal, withExample } from './example.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFile(join(root, path), 'utf8');

type Signs = Record<'control' | 'validator' | 'api' | 'promoter', Evidence>;
type Request = z.input<typeof jobRequestSchema>;

export interface Setting {
  readonly profile: 'personal' | 'team';
  /** The org layer, of the one that ships. */
  readonly orgLayer: (shipped: string) => string;
}

export interface Installation {
  /** Where it keeps everything: another process opens the same one with `openPromoter`. */
  readonly home: string;
  readonly artifacts: ArtifactStore;
  /** What each process can sign; `stranger` signs with keys of its own that nobody here knows. */
  readonly signs: Signs;
  readonly stranger: Signs;
  /** Control's judgements, as its worker makes them. */
  readonly control: Omit<ControlActivities, 'record' | 'requestPromotion'>;
  readonly promote: PromoteActivities['promote'];
  /** Names of everything that was ever promoted. */
  promoted(): Promise<string[]>;
  /** The branch `main` as it is now. */
  resolveBase(repository: WorkingCopy): Promise<Base>;
  /** Asks for a session as the api does; `change` says what is not as in the example's job. */
  ask(repository: WorkingCopy, change?: Partial<Request>): Promise<SessionInput>;
  /** A session that was admitted on `main`, and its plan. */
  admitted(repository: WorkingCopy, change?: Partial<Request>): Promise<Admitted>;
  /** A change that passed everything and was approved, ready for the promoter. */
  approved(repository: WorkingCopy, change?: Partial<Request>): Promise<Approved>;
}

export interface Admitted {
  readonly sessionId: string;
  readonly base: Base;
  readonly job: AdmittedJob;
  readonly plan: Plan;
}

export interface Approved {
  readonly request: PromotionRequest;
  readonly decision: Decision;
}

/** Lends an installation, and the example for it to work on; its folder is gone when `use` ends. */
export async function withInstallation(
  use: (installation: Installation, repository: WorkingCopy) => Promise<void>,
  setting: Partial<Setting> = {},
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'aas-evidence-'));
  try {
    const whole = { profile: 'personal', orgLayer: (shipped: string) => shipped, ...setting } as const;
    await withExample((repository) => use(createInstallation(home, whole), repository));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** The promoter of an installation, as its worker makes it; `around` may stand between it and its writer. */
export function openPromoter(home: string, around = (writer: PromotionWriter) => writer): PromoteActivities {
  const artifacts = openArtifactDirectory(join(home, 'artifacts'));
  const keys = join(home, 'keys');
  return createPromoteActivities({
    artifacts,
    repositories: createBaseRepositories(join(home, 'promoter'), artifacts),
    evidence: createEvidence(artifacts, loadPublicKeys(keys), loadSigner(keys, 'promoter')),
    writer: around(createPromotionWriter(openPatchOutbox(promotedFolder(home)))),
    floor: async () => parseFloor(await text('policies/promoter-floor.yaml')),
  });
}

const promotedFolder = (home: string) => join(home, 'promoted');

function createInstallation(home: string, { profile, orgLayer }: Setting): Installation {
  const artifacts = openArtifactDirectory(join(home, 'artifacts'));
  const signersOf = (keys: string): Signs => {
    createKeys(keys);
    const publicKeys = loadPublicKeys(keys);
    const evidence = (role: keyof Signs) => createEvidence(artifacts, publicKeys, loadSigner(keys, role));
    return {
      control: evidence('control'),
      validator: evidence('validator'),
      api: evidence('api'),
      promoter: evidence('promoter'),
    };
  };
  const signs = signersOf(join(home, 'keys'));
  const repositories = createBaseRepositories(join(home, 'repositories'), artifacts);
  const source = createSource({ directory: join(home, 'source'), artifacts });
  const control = {
    ...createAdmissionActivities({
      artifacts,
      repositories,
      evidence: signs.control,
      planner: fixedPlanner,
      orgLayer: async () => orgLayer(await text('policies/default.yaml')),
      sandboxImage: 'aas-sandbox:1',
      profile,
      timings: { hostLostAfterMs: 1000, heartbeatMs: 1000 },
    }),
    ...createInspectionActivities({ artifacts, repositories, evidence: signs.control }),
    ...createDecisionActivities({ artifacts, evidence: signs.control, agents: ['command'] }),
  };
  const { promote } = openPromoter(home);

  const resolveBase = (repository: WorkingCopy) => source.resolveBase({ repository: repository.path, ref: 'main' });

  async function ask(repository: WorkingCopy, change: Partial<Request> = {}): Promise<SessionInput> {
    const job = jobRequestSchema.parse({
      repository: repository.path,
      base: 'main',
      goal: exampleGoal,
      agent: { argv: ['true'] },
      ...change,
    });
    return {
      sessionId: `s-${randomUUID().slice(0, 13)}`,
      request: await artifacts.put(Buffer.from(JSON.stringify(job)), 'application/json'),
      goal: job.goal,
      requester: 'ada',
      repository: repository.path,
      baseRef: 'main',
      createdAt: new Date(1_700_000_000_000).toISOString(),
    };
  }

  async function admitted(repository: WorkingCopy, change: Partial<Request> = {}): Promise<Admitted> {
    const input = await ask(repository, change);
    const base = await resolveBase(repository);
    const admission = await control.admit({ input, base });
    if (admission.verdict !== 'admitted') throw new Error(JSON.stringify(admission));
    const { job } = admission;
    const { plan } = await control.plan({ job: job.digest });
    return { sessionId: input.sessionId, base, job, plan };
  }

  async function approved(repository: WorkingCopy, change: Partial<Request> = {}): Promise<Approved> {
    const { sessionId, base, job, plan } = await admitted(repository, change);
    const diff = await repository.diff(() => fixExample(repository));
    const patch = await artifacts.put(Buffer.from(diff), 'text/x-diff');
    const inspected = await control.inspect({ sessionId, job: job.digest, base, patch, plan, candidate: null });
    if (inspected.verdict !== 'pass') throw new Error(JSON.stringify(inspected));
    const spec = await signs.control.open('job', job.digest);
    const report = await signs.validator.sign('report', {
      type: 'aas.dev/check-report/v1',
      session: sessionId,
      job: job.digest,
      candidate: inspected.candidate.digest,
      baseCommit: base.commit,
      tree: inspected.tree,
      verdict: 'pass',
      checks: spec.checks.map(({ id, argv, image }) => ({
        ...{ id, argv, image, verdict: 'exited' as const },
        ...{ exitCode: 0, durationMs: 1, log: null },
      })),
      validator: { hostId: 'test', engine: 'test' },
      finishedAt: new Date().toISOString(),
    });
    const subject = await control.subject({ sessionId, job: job.digest, inspection: inspected.report, report });
    const decision = approval(sessionId, subject);
    const evidence = {
      job: job.digest,
      candidate: inspected.candidate.digest,
      inspection: inspected.report,
      report,
      decisions: [await signs.api.sign('decision', decision)],
    };
    return { request: { id: `${sessionId}/1`, sessionId, target: job.target, base, evidence }, decision };
  }

  return {
    home,
    artifacts,
    signs,
    stranger: signersOf(join(home, 'stranger')),
    control,
    promote,
    promoted: () => readdir(promotedFolder(home)).catch(() => []),
    resolveBase,
    ask,
    admitted,
    approved,
  };
}

/** Mends the example's defect, as its agent would. */
export async function fixExample(repository: WorkingCopy): Promise<void> {
  const before = await readFile(join(repository.path, 'duration.py'), 'utf8');
  await repository.write('duration.py', before.replace('total = int', 'total += int'));
}

/** A person's yes to a subject, at the first round's gate. */
export function approval(session: string, subject: Digest): Decision {
  return {
    type: 'aas.dev/decision/v1',
    session,
    gate: 'approval-1',
    kind: 'approve',
    subject,
    actor: 'ada',
    method: 'token',
    decidedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 600_000).toISOString(),
    nonce: randomUUID(),
    reason: null,
    note: null,
    fresh: false,
    agent: null,
    patch: null,
  };
}
