/**
 * Promotion: the only step that writes where others read.
 *
 * It believes nothing that Temporal carried. Everything is fetched by digest and verified by the promoter's own copy of
 * the others' public keys and its own floor; whoever can start or complete anything in Temporal still gets nothing
 * promoted without the signed judgements.
 */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { digestOf } from '../artifacts/digest.ts';
import type { Evidence } from './ports/evidence.ts';
import type { Floor } from '../policies/floor.ts';
import { judgePromotion } from '../policies/promotion.ts';
import { subjectOf } from '../policies/subject.ts';
import type { Finding, PromoteActivities, PromotionRequest, PromotionResult } from '../temporal/contract/messages.ts';
import { withHeartbeat } from './heartbeat.ts';
import { readCandidate } from './ports/git/candidate.ts';
import type { BaseRepositories } from './ports/git/port.ts';
import type { PromotionWriter } from './ports/promotion-writer.ts';

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
  const { repositories, writer, artifacts } = ports;
  const proven = await verify(ports, request);
  if (proven.kind === 'refused') return proven;

  const { target, base, sessionId } = request;
  const digest = request.evidence.candidate;
  const candidate = await artifacts.get(digest);
  const repository = await repositories.open(base);
  const tree = await repository.applyDiff(readCandidate(candidate).diff);
  if (tree !== proven.tree)
    return refused('promotion.tree', `base + candidate is ${tree}; approved was ${proven.tree}`);

  // Look up before create: a promoter that was killed after its write finds what it wrote, wherever the base is by now.
  const promotion = { target, base, sessionId, candidate, digest, repository, tree };
  const earlier = await writer.find(promotion);
  if (earlier !== null) return { kind: 'promoted', promotion: earlier };

  const head = await writer.head(target);
  if (head !== null && head !== base.commit) return { kind: 'base_moved', commit: head };
  return { kind: 'promoted', promotion: await writer.write(promotion) };
}

type Verified = { readonly kind: 'proven'; readonly tree: string } | Extract<PromotionResult, { kind: 'refused' }>;

async function verify({ evidence, floor }: PromotionPorts, request: PromotionRequest): Promise<Verified> {
  const { evidence: claimed, base, target, sessionId } = request;
  try {
    const job = await evidence.open('job', claimed.job);
    const inspection = await evidence.open('inspection', claimed.inspection);
    const report = await evidence.open('report', claimed.report);
    const decisions = await Promise.all(claimed.decisions.map((digest) => evidence.open('decision', digest)));
    const subject = digestOf(
      subjectOf({
        candidate: inspection.candidate,
        baseContent: inspection.baseContent,
        job: claimed.job,
        bundleDigest: job.policy.digest,
        checks: report.checks,
      }),
    );
    if (digestOf(job.policy.bundle) !== job.policy.digest) {
      return refused('promotion.bundle', 'The policy bundle in the job is not the one its digest names');
    }
    const findings = judgePromotion({
      job,
      jobDigest: claimed.job,
      inspection,
      report,
      decisions,
      request: { sessionId, candidate: claimed.candidate, baseCommit: base.commit, target },
      floor: await floor(),
      subject,
      now: new Date().toISOString(),
    });
    if (findings.some(({ severity }) => severity === 'deny')) return { kind: 'refused', findings };
    return { kind: 'proven', tree: inspection.tree };
  } catch (error) {
    // A missing artifact, a forged signature, a shape that does not parse: none of them is better the second time.
    const message = error instanceof Error ? error.message : String(error);
    return refused('promotion.evidence', `The evidence cannot be verified: ${message}`);
  }
}

const refused = (rule: string, message: string): Extract<PromotionResult, { kind: 'refused' }> => {
  const finding: Finding = { severity: 'deny', rule, message };
  return { kind: 'refused', findings: [finding] };
};
