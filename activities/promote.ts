/**
 * Promotion: the only step that writes where others read.
 *
 * It believes nothing that Temporal carried. Everything is fetched by digest and verified by the promoter's own copy of
 * the others' public keys and its own floor; whoever can start or complete anything in Temporal still gets nothing
 * promoted without the signed judgements.
 */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { digestOf } from '../artifacts/digest.ts';
import { provesNothing } from './ports/evidence.ts';
import type { Evidence } from './ports/evidence.ts';
import type { Floor } from '../policies/floor.ts';
import { judgePromotion } from '../policies/promotion.ts';
import { subjectOf } from '../policies/subject.ts';
import type { Oid, PromoteActivities, PromotionRequest, PromotionResult } from '../temporal/contract/messages.ts';
import { withHeartbeat } from './heartbeat.ts';
import { readCandidate } from './ports/git/candidate.ts';
import type { BaseRepositories } from './ports/git/port.ts';
import type { PromotionWriter, Written } from './ports/promotion-writer.ts';

export interface PromotionPorts {
  readonly artifacts: ArtifactStore;
  readonly evidence: Evidence;
  readonly repositories: BaseRepositories;
  readonly writer: PromotionWriter;
  /** The promoter's own configuration, read anew for each promotion. */
  readonly floor: () => Promise<Floor>;
}

export function createPromoteActivities(ports: PromotionPorts): PromoteActivities {
  return { promote: (request) => withHeartbeat(() => promote(ports, request)) };
}

async function promote(ports: PromotionPorts, request: PromotionRequest): Promise<PromotionResult> {
  const { artifacts, repositories, writer } = ports;
  const { target, base, sessionId } = request;
  const digest = request.evidence.candidate;
  const proven = await fetchEvidence(ports.evidence, request.evidence).catch(unverifiable);
  if ('kind' in proven) return proven;

  const candidate = await artifacts.get(digest);
  const repository = await repositories.open(base);
  const tree = await repository.applyDiff(readCandidate(candidate).diff);
  const facts = { sessionId, candidate: digest, tree, base, target, mode: target.mode };
  const now = new Date().toISOString();
  const findings = judgePromotion({ ...proven, request: facts, floor: await ports.floor(), now });
  if (findings.length > 0) return { kind: 'refused', findings };

  // Look up before create: a promoter that was killed after its write finds what it wrote, wherever the base is by now.
  const promotion = { target, base, sessionId, candidate, digest, repository, tree };
  const earlier = await writer.find(promotion);
  if (earlier !== null) return signed(ports.evidence, proven, request, tree, earlier);

  const head = await writer.head(target);
  if (target.ref !== null && head === null) {
    return refused('promotion.target', `${target.ref} is gone from ${target.repository}: nobody can promote to it`);
  }
  if (head !== null && head !== base.commit) return { kind: 'base_moved', commit: head };
  return signed(ports.evidence, proven, request, tree, await writer.write(promotion));
}

/** Whoever can send a Signal can claim a promotion; only the promoter can sign that it wrote one. */
async function signed(
  evidence: Evidence,
  { job, subject }: Awaited<ReturnType<typeof fetchEvidence>>,
  { sessionId, target, evidence: given }: PromotionRequest,
  tree: Oid,
  written: Written,
): Promise<PromotionResult> {
  const { mode, ref, commit, baseCommit } = written;
  const receipt = await evidence.sign('receipt', {
    type: 'aas.dev/promotion-receipt/v1',
    session: sessionId,
    profile: job.profile,
    ...given,
    decisions: [...given.decisions],
    ...{ subject, target: target.key, mode, ref, commit, baseCommit, tree },
  });
  return { kind: 'promoted', promotion: { ...written, receipt } };
}

/** Every judgement, its signature verified, and the subject that they make together. */
async function fetchEvidence(evidence: Evidence, claimed: PromotionRequest['evidence']) {
  const [job, inspection, report, decisions] = await Promise.all([
    evidence.open('job', claimed.job),
    evidence.open('inspection', claimed.inspection),
    evidence.open('report', claimed.report),
    Promise.all(claimed.decisions.map((digest) => evidence.open('decision', digest))),
  ]);
  const { candidate, baseContent } = inspection;
  const bundleDigest = digestOf(job.policy.bundle);
  const subject = digestOf(
    subjectOf({ candidate, baseContent, job: claimed.job, bundleDigest, checks: report.checks }),
  );
  return { job, jobDigest: claimed.job, inspection, report, decisions, subject };
}

/** A missing artifact, a forged signature, a shape that does not parse: none of them is better the second time. */
function unverifiable(error: unknown): Refused {
  if (!provesNothing(error)) throw error;
  return refused('evidence.unverifiable', `The evidence cannot be verified: ${error.message}`);
}

type Refused = Extract<PromotionResult, { kind: 'refused' }>;

const refused = (rule: string, message: string): Refused => ({
  kind: 'refused',
  findings: [{ severity: 'deny', rule, message }],
});
