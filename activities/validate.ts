/** The validator: runs a job's checks on clean base + candidate, each in a sandbox of its own, and signs what it saw. */
import { z } from 'zod';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { CheckReport } from '../temporal/contract/evidence.ts';
import type { JobSpec } from '../temporal/contract/job.ts';
import { failures } from '../temporal/contract/messages.ts';
import type {
  CheckView,
  Digest,
  ValidateActivities,
  ValidateRequest,
  ValidationView,
} from '../temporal/contract/messages.ts';
import { attendedStep } from './attended-step.ts';
import type { StepControl } from './attended-step.ts';
import { refusal } from './failures.ts';
import { assertJobOf } from './own-job.ts';
import type { BaseRepositories } from './ports/git/port.ts';
import { checkNames } from './ports/sandbox/names.ts';
import type { Sandbox } from './ports/sandbox/sandbox.ts';
import { createSlots } from './ports/sandbox/slots.ts';
import { Detached } from './ports/sandbox/task.ts';
import type { SandboxProgress, Tree } from './ports/sandbox/task.ts';

export interface ValidatePorts {
  readonly sandbox: Sandbox;
  readonly repositories: BaseRepositories;
  readonly artifacts: ArtifactStore;
  readonly hostId: string;
  /** The job of a signed JobSpec. Rejects unless control signed it. */
  readonly verifyJob: (digest: Digest) => Promise<JobSpec>;
  /** Signs the report with the validator's key and keeps it; resolves with the envelope's digest. */
  readonly signReport: (report: CheckReport) => Promise<Digest>;
  /** The diff inside a candidate's bytes. Throws when they are no candidate. */
  readonly readCandidateDiff: (candidate: Uint8Array) => Uint8Array;
  readonly heartbeatMs: number;
}

type CheckSpec = JobSpec['checks'][number];
type CheckResult = CheckReport['checks'][number];
type FillTree = (tree: Tree) => Promise<void>;

const checksAtOnce = 2;

export function createValidateActivities(ports: ValidatePorts): ValidateActivities {
  return {
    validate: (request) =>
      attendedStep(ports.heartbeatMs, async (control) => {
        const job = await ports.verifyJob(request.job);
        assertJobOf(request.sessionId, job);
        if (job.checks.length === 0) {
          throw refusal(
            failures.evidenceInvalid,
            'This job has no checks, so nothing can prove its change. Ask for one',
          );
        }
        const checks = await runChecks(ports, request, job, control);
        // Checks that were cancelled prove nothing, and nothing is signed about them.
        control.signal.throwIfAborted();
        return conclude(ports, request, checks);
      }),
  };
}

async function runChecks(
  ports: ValidatePorts,
  request: ValidateRequest,
  job: JobSpec,
  { signal, report }: StepControl,
): Promise<CheckResult[]> {
  const fill = candidateTree(ports, request);
  const { withSlot } = createSlots(checksAtOnce);
  const others = new AbortController();
  const progress: Record<string, SandboxProgress> = {};

  const runOne = async (check: CheckSpec): Promise<CheckResult> => {
    signal.throwIfAborted();
    try {
      return await runCheck(
        ports,
        request,
        { job, check, fill },
        AbortSignal.any([signal, others.signal]),
        (latest) => {
          progress[check.id] = latest;
          report(progress);
        },
      );
    } catch (error) {
      // This attempt has failed; the next one finds the other checks as far as they are.
      others.abort(new Detached('Another check of this attempt could not be run', { cause: error }));
      throw error instanceof Detached && !signal.aborted ? error.cause : error;
    }
  };
  const runs = job.checks.map((check) => withSlot(() => runOne(check)));
  await Promise.allSettled(runs);
  return Promise.all(runs);
}

/** Clean base + candidate, rebuilt here. Nothing of it is written unless it is the tree that control judged. */
function candidateTree(
  { artifacts, repositories, readCandidateDiff }: ValidatePorts,
  request: ValidateRequest,
): FillTree {
  async function rebuild() {
    const [repository, candidate] = await Promise.all([
      repositories.open(request.base),
      artifacts.get(request.candidate),
    ]);
    const diff = readCandidateDiff(candidate);
    const tree = await repository.applyDiff(diff);
    if (tree === request.tree) return { repository, diff };
    throw refusal(
      failures.evidenceInvalid,
      `Base + candidate make tree ${tree} here, but ${request.tree} was judged: one of them is not what it was`,
    );
  }
  const rebuilt = rebuild();
  rebuilt.catch(() => {});
  return async ({ directory, uid, gid }) => {
    const { repository, diff } = await rebuilt;
    await repository.checkout(directory, { diff, uid, gid });
  };
}

async function runCheck(
  { sandbox }: ValidatePorts,
  request: ValidateRequest,
  { job, check, fill }: { readonly job: JobSpec; readonly check: CheckSpec; readonly fill: FillTree },
  signal: AbortSignal,
  onProgress: (progress: SandboxProgress) => void,
): Promise<CheckResult> {
  const task = {
    ...checkNames(request, check.id),
    session: request.sessionId,
    image: check.image,
    argv: check.argv,
    environment: {},
    limits: job.limits,
    timeoutMs: job.limits.checkMs,
    fill,
    // What a check wrote into its worktree is nobody's business: its exit code and its output are what it says.
    collect: () => Promise.resolve(null),
    collected: z.null(),
  };
  const { verdict, exitCode, durationMs, output } = await sandbox.run(task, { signal, onProgress });
  return { id: check.id, argv: check.argv, image: check.image, verdict, exitCode, durationMs, log: output };
}

const passed = ({ verdict, exitCode }: CheckResult): boolean => verdict === 'exited' && exitCode === 0;

async function conclude(
  { sandbox, hostId, signReport }: ValidatePorts,
  { sessionId, job, candidate, base, tree }: ValidateRequest,
  checks: CheckResult[],
): Promise<ValidationView> {
  const { kind, version } = sandbox.host.engine;
  const verdict = checks.every(passed) ? 'pass' : 'fail';
  const report = await signReport({
    type: 'aas.dev/check-report/v1',
    session: sessionId,
    job,
    candidate,
    baseCommit: base.commit,
    tree,
    verdict,
    checks,
    validator: { hostId, engine: `${kind} ${version}` },
    finishedAt: new Date().toISOString(),
  });
  return { verdict, baseCommit: base.commit, checks: checks.map(toView), report };
}

const toView = ({ id, log, ...rest }: CheckResult): CheckView => ({
  ...rest,
  name: id,
  logDigest: log?.digest ?? null,
});
