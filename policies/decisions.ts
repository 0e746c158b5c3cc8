/** Have enough people said yes to exactly this? */
import type { JobSpec } from '../temporal/contract/job.ts';
import type { Decision, Digest, Finding, Timestamp } from '../temporal/contract/messages.ts';
import { deny } from './findings.ts';
import type { Floor } from './floor.ts';

interface DecisionFacts {
  readonly job: JobSpec;
  readonly decisions: readonly Decision[];
  readonly request: { readonly sessionId: string };
  readonly floor: Floor;
  readonly subject: Digest;
  readonly now: Timestamp;
}

/**
 * Counts the people whose approval is of this session, this subject and still good. Others do not count (an earlier
 * `retry` may lie beside them), but a rejection of this subject, or one nonce twice, refuses.
 */
export function judgeDecisions(facts: DecisionFacts): Finding[] {
  const { decisions, subject, request } = facts;
  const needed = Math.max(facts.job.policy.bundle.gates.approvals, facts.floor.minApprovals, 1);
  const judged = decisions.map((decision) => ({ actor: decision.actor, objection: objectionTo(decision, facts) }));
  const people = new Set(judged.filter(({ objection }) => objection === null).map(({ actor }) => actor));
  const objections = judged.flatMap(({ actor, objection }) => (objection === null ? [] : [`${actor}: ${objection}`]));
  const nonces = new Set(decisions.map(({ nonce }) => nonce));

  const findings: Finding[] = [];
  if (people.size < needed) {
    const why = objections.length > 0 ? `. Not counted: ${objections.join('; ')}` : '';
    findings.push(deny('decisions.approvals', `${people.size} of ${needed} people needed have approved this${why}`));
  }
  if (nonces.size < decisions.length) findings.push(deny('decisions.nonce', 'one decision is given twice'));
  if (decisions.some((one) => one.kind === 'reject' && one.session === request.sessionId && one.subject === subject)) {
    findings.push(deny('decisions.rejected', 'somebody rejected this'));
  }
  return findings;
}

/** Why a decision does not count as an approval of this subject now, or null when it does. */
function objectionTo(decision: Decision, { job, request, floor, subject, now }: DecisionFacts): string | null {
  if (decision.kind !== 'approve') return `is no approval but ${decision.kind}`;
  if (decision.session !== request.sessionId) return 'is of another session';
  if (!/^approval-\d+$/.test(decision.gate)) return `was given at ${decision.gate}, which is no approval gate`;
  if (decision.subject !== subject) return 'is about something else (P6): it has changed since';
  // Written so that a time nobody can read (NaN) objects.
  if (!(Date.parse(decision.expiresAt) > Date.parse(now))) return `expired at ${decision.expiresAt}`;
  if (decision.actor === job.requester && !requesterMayApprove(job, floor))
    return 'asked for it, and cannot approve it';
  return null;
}

/** P12. One user on a laptop is the exception, where the promoter's floor knows that profile. */
const requesterMayApprove = (job: JobSpec, floor: Floor): boolean =>
  job.profile === 'personal' && floor.profiles.includes('personal');
