/** Genuine evidence for a real change to a real repository, signed by the keys of an installation of its own. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import { createKeys, loadPublicKeys, loadSigner } from '../../artifacts/keys.ts';
import { parseFloor } from '../../policies/floor.ts';
import { jobRequestSchema } from '../../temporal/contract/job.ts';
import type {
  ControlActivities,
  Decision,
  Digest,
  PromoteActivities,
  PromotionRequest,
  SessionInput,
} from '../../temporal/contract/messages.ts';
import type { WorkingCopy } from './example.ts';
import { exampleGoal } from './example.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFile(join(root, path), 'utf8');

export interface Installation {
  /** Where it keeps everything: another process opens the same one with `openPromoter`. */
  readonly home: string;
  /** What each process can sign; `stranger` signs with keys of its own that nobody here knows. */
  readonly signs: Record<'control' | 'validator' | 'api' | 'promoter', Evidence>;
  readonly stranger: Record<'control' | 'validator' | 'api' | 'promoter', Evidence>;
  readonly promote: PromoteActivities['promote'];
  readonly verifyReceipt: ControlActivities['verifyReceipt'];
  /** Names of everything that was ever promoted. */
  promoted(): Promise<string[]>;
  /** A change that passed everything and was approved, ready for the promoter. */
  approved(repository: WorkingCopy): Promise<Approved>;
}

export interface Approved {
  readonly request: PromotionRequest;
  readonly decision: Decision;
}

/** Lends an installation; its folder is gone when `use` ends. */
export async function withInstallation(use: (installation: Installation) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'aas-evidence-'));
  try {
    await use(createInstallation(home));
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

function createInstallation(home: string): Installation {
  const artifacts = openArtifactDirectory(join(home, 'artifacts'));
  const signersOf = (keys: string) => {
    createKeys(keys);
    const publicKeys = loadPublicKeys(keys);
    const evidence = (role: 'control' | 'validator' | 'api' | 'promoter') =>
      createEvidence(artifacts, publicKeys, loadSigner(keys, role));
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
  const admission = createAdmissionActivities({
    artifacts,
    repositories,
    evidence: signs.control,
    planner: fixedPlanner,
    orgLayer: () => text('policies/default.yaml'),
    sandboxImage: 'aas-sandbox:1',
    profile: 'personal',
    timings: { hostLostAfterMs: 1000, heartbeatMs: 1000 },
  });
  const inspection = createInspectionActivities({ artifacts, repositories, evidence: signs.control });
  const { promote } = openPromoter(home);
  const { verifyReceipt } = createDecisionActivities({ artifacts, evidence: signs.control, agents: [] });

  async function approved(repository: WorkingCopy): Promise<Approved> {
    const sessionId = `s-${randomUUID().slice(0, 13)}`;
    const base = await source.resolveBase({ repository: repository.path, ref: 'main' });
    const job = jobRequestSchema.parse({
      repository: repository.path,
      base: 'main',
      goal: exampleGoal,
      agent: { argv: ['true'] },
    });
    const input: SessionInput = {
      sessionId,
      request: await artifacts.put(Buffer.from(JSON.stringify(job)), 'application/json'),
      goal: job.goal,
      requester: 'ada',
      repository: repository.path,
      baseRef: 'main',
      createdAt: new Date(1_700_000_000_000).toISOString(),
    };
    const admitted = await admission.admit({ input, base });
    if (admitted.verdict !== 'admitted') throw new Error(JSON.stringify(admitted));
    const { digest: jobDigest, target } = admitted.job;
    const { plan } = await admission.plan({ job: jobDigest });

    const before = await readFile(join(repository.path, 'duration.py'), 'utf8');
    await repository.write('duration.py', before.replace('total = int', 'total += int'));
    const patch = await artifacts.put(Buffer.from(repository.git('diff')), 'text/x-diff');
    repository.git('checkout', '--quiet', '--', '.');

    const inspected = await inspection.inspect({ sessionId, job: jobDigest, base, patch, plan, candidate: null });
    if (inspected.verdict !== 'pass') throw new Error(JSON.stringify(inspected));
    const spec = await signs.control.open('job', jobDigest);
    const report = await signs.validator.sign('report', {
      type: 'aas.dev/check-report/v1',
      session: sessionId,
      job: jobDigest,
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
    const subject = await inspection.subject({ sessionId, job: jobDigest, inspection: inspected.report, report });
    const decision = approval(sessionId, subject);
    const evidence = {
      job: jobDigest,
      candidate: inspected.candidate.digest,
      inspection: inspected.report,
      report,
      decisions: [await signs.api.sign('decision', decision)],
    };
    return { request: { id: `${sessionId}/1`, sessionId, target, base, evidence }, decision };
  }

  return {
    home,
    signs,
    stranger: signersOf(join(home, 'stranger')),
    promote,
    verifyReceipt,
    promoted: () => readdir(promotedFolder(home)).catch(() => []),
    approved,
  };
}

function approval(session: string, subject: Digest): Decision {
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
