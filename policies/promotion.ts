/**
 * May this be promoted? Everything the promoter checks by itself, once it has verified each signature. It believes
 * neither the workflow nor the other processes: what they say must hang together, and stand above the promoter's own
 * floor.
 */
import type { CheckReport, InspectionReport } from '../temporal/contract/evidence.ts';
import type { JobSpec } from '../temporal/contract/job.ts';
import type {
  Base,
  Decision,
  Digest,
  Finding,
  Oid,
  PromotionMode,
  Target,
  Timestamp,
} from '../temporal/contract/messages.ts';
import { judgeDecisions } from './decisions.ts';
import { deny } from './findings.ts';
import type { Floor } from './floor.ts';
import { matchesLocation } from './globs.ts';

export interface PromotionFacts {
  readonly job: JobSpec;
  readonly jobDigest: Digest;
  readonly inspection: InspectionReport;
  readonly report: CheckReport;
  /** Verified decisions, as signed. */
  readonly decisions: readonly Decision[];
  readonly request: {
    readonly sessionId: string;
    readonly candidate: Digest;
    /** The tree the promoter rebuilt by itself from base and candidate. */
    readonly tree: Oid;
    /** Where the target stands now. */
    readonly base: Pick<Base, 'repositoryKey' | 'ref' | 'commit'>;
    readonly target: Target;
    readonly mode: PromotionMode;
  };
  readonly floor: Floor;
  /** The digest of `subjectOf` over this very evidence. */
  readonly subject: Digest;
  readonly now: Timestamp;
}

/** Every reason against it; none means yes. All findings deny. Rules: `evidence.*`, `decisions.*`, `floor.*`. */
export const judgePromotion = (facts: PromotionFacts): Finding[] => [
  ...judgeEvidence(facts),
  ...judgeBase(facts),
  ...judgeReport(facts),
  ...judgeTarget(facts),
  ...judgeFloor(facts),
  ...judgeDecisions(facts),
];

const unless = (holds: boolean, rule: string, message: string): Finding[] => (holds ? [] : [deny(rule, message)]);

const allAre = <T>(expected: T, ...values: readonly T[]): boolean => values.every((value) => value === expected);

const judgeEvidence = ({ job, jobDigest, inspection, report, request }: PromotionFacts): Finding[] => [
  ...unless(
    allAre(request.sessionId, job.session, inspection.session, report.session),
    'evidence.session',
    'job, inspection and check report are not all of this session',
  ),
  ...unless(
    allAre(jobDigest, inspection.job, report.job),
    'evidence.job',
    'inspection or check report is of another job',
  ),
  ...unless(
    allAre(job.policy.digest, inspection.bundleDigest),
    'evidence.policy',
    'the candidate was inspected under another policy than the job was admitted with',
  ),
  ...unless(
    allAre(request.candidate, inspection.candidate, report.candidate),
    'evidence.candidate',
    'inspection or check report is of another candidate',
  ),
  ...unless(
    allAre(request.tree, inspection.tree, report.tree),
    'evidence.tree',
    'the tree rebuilt here is not the one that was inspected and validated',
  ),
  ...unless(
    allAre('pass', inspection.verdict, report.verdict),
    'evidence.verdict',
    'inspection or validation did not pass',
  ),
];

/** P5: validated on the very base it is written to. */
const judgeBase = ({ job, inspection, report, request: { base } }: PromotionFacts): Finding[] => [
  ...unless(
    allAre(base.commit, inspection.baseCommit, report.baseCommit),
    'evidence.base',
    'inspection or validation was done on another base commit',
  ),
  ...unless(
    base.repositoryKey === job.source.repositoryKey && base.ref === job.source.ref,
    'evidence.source',
    'the base is of another repository or branch than the job',
  ),
  ...unless(
    job.source.ref !== null || base.commit === job.source.commit,
    'evidence.base',
    'the job names a commit that nothing can move, and the base is another one',
  ),
];

const same = (a: readonly string[], b: readonly string[]): boolean => JSON.stringify(a) === JSON.stringify(b);

/** P8: each check of the job is in the report once, as the job has it, and passed; and nothing in the report failed. */
function judgeReport({ job, report }: PromotionFacts): Finding[] {
  const wrong = job.checks.filter(({ id, argv, image }) => {
    const [ran, ...again] = report.checks.filter((check) => check.id === id);
    return !ran || again.length > 0 || !same(ran.argv, argv) || ran.image !== image;
  });
  const failed = report.checks.filter(({ verdict, exitCode }) => verdict !== 'exited' || exitCode !== 0);
  return [
    ...unless(job.checks.length > 0, 'evidence.checks', 'the job has no check at all'),
    ...wrong.map(({ id }) =>
      deny('evidence.checks', `check ${id} of the job is not in the report as the job has it, once`),
    ),
    ...failed.map(({ id }) => deny('evidence.checks', `check ${id} did not pass`)),
  ];
}

const judgeTarget = ({ job, request: { target, mode } }: PromotionFacts): Finding[] => [
  ...unless(
    target.key === job.target.key && target.repository === job.target.repository && target.ref === job.target.ref,
    'evidence.target',
    'the target is not the one of the job',
  ),
  ...unless(
    allAre(mode, target.mode, job.target.mode) && job.policy.bundle.modes.includes(mode),
    'evidence.mode',
    `policy and job do not allow to promote as ${mode}`,
  ),
];

const judgeFloor = ({ job, floor, request: { mode, target } }: PromotionFacts): Finding[] => [
  ...unless(
    floor.repositories.some((pattern) => matchesLocation(pattern, target.repository)),
    'floor.repositories',
    `this promoter does not write to ${target.repository}`,
  ),
  ...unless(floor.modes.includes(mode), 'floor.modes', `this promoter does not promote as ${mode}`),
  ...unless(
    floor.profiles.includes(job.profile),
    'floor.profiles',
    `this promoter does not promote jobs of the ${job.profile} profile`,
  ),
];
