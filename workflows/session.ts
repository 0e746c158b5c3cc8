/**
 * The story of one session: request -> admit -> plan -> run -> inspect -> validate -> people -> promote.
 *
 * Each stage answers either with an ending or with what comes next; the order in which things may happen is the order in
 * which they stand here.
 */
import { ApplicationFailure, isCancellation, workflowInfo } from '@temporalio/workflow';
import { failures, workflowIds } from '../temporal/contract/messages.ts';
import type {
  AdmittedJob,
  ArtifactRef,
  Base,
  DecisionKind,
  SessionInput,
  SessionResult,
} from '../temporal/contract/messages.ts';
import { openDesk } from './desk.ts';
import { stepFailure } from './failures.ts';
import { Gates } from './gates.ts';
import type { CountedDecision } from './gates.ts';
import { control, source } from './proxies.ts';
import { Publication } from './publication.ts';
import { tryRound } from './rounds.ts';
import type { Proof, Round, Situation, Tried } from './rounds.ts';
import { Story } from './story.ts';
import type { Ending } from './story.ts';

export async function session(input: SessionInput): Promise<SessionResult> {
  // Whoever reaches Temporal can start this with any input: the records of a session are its own workflow's to write.
  if (workflowInfo().workflowId !== workflowIds.session(input.sessionId)) {
    throw ApplicationFailure.nonRetryable(`This is not the workflow of ${input.sessionId}`, failures.badInput);
  }
  const story = new Story(input);
  const gates = new Gates(story);
  const desk = openDesk(story);
  const ending = await desk.run(() => govern(input, story, gates)).catch(endingOf);
  await story.end(ending, desk.cancelRequest);
  const { status, outcome, reason } = ending;
  // A session that broke should look broken in Temporal too; a refusal is a result.
  if (status === 'failed') throw ApplicationFailure.nonRetryable(reason ?? 'failed', 'Session.Failed');
  return { status, outcome, reason };
}

async function govern(input: SessionInput, story: Story, gates: Gates): Promise<Ending> {
  story.goOn('admitting', 'session.started', {}, { artifacts: [input.request.digest] });
  const base = await story.meanwhile(source.resolveBase({ repository: input.repository, ref: input.baseRef }));
  const admission = await control.admit({ input, base });
  if (admission.verdict === 'refused') {
    const reason =
      admission.findings.find(({ severity }) => severity === 'deny')?.message ?? 'Policy refuses this session';
    return { status: 'refused', outcome: 'policy_denied', reason, findings: admission.findings };
  }
  const { job } = admission;
  const { plan, subject } = await control.plan({ job: job.digest });
  story.goOn(
    'planning',
    'session.admitted',
    {
      repository: base.repository,
      baseCommit: base.commit,
      job: job.digest,
      policy: { bundleDigest: job.bundleDigest, profile: job.profile },
      plan,
      findings: admission.findings,
    },
    { artifacts: [job.digest, base.bundle.digest], data: { target: job.target } },
  );
  if (job.planGate) {
    const decision = await gates.open({
      kind: 'plan',
      round: 1,
      subject,
      offers: ['approve', 'reject'],
      reason: 'Policy wants a person to see the plan before anything runs',
      deadlineMs: job.deadlines.planMs,
    });
    if (decision?.decision.kind !== 'approve') return declined(decision);
  }
  return work({ story, job, plan }, gates, base);
}

/** Rounds, until one is promoted or a person ends it. */
async function work(at: Situation, gates: Gates, base: Base): Promise<Ending> {
  const first: Round = { number: 1, hand: at.job.hand, note: null, startPatch: null, amendment: null };
  const publication = new Publication(at);
  for (let round = first; ;) {
    const tried = await tryRound(at, base, round);
    const next = await settle(at, gates, publication, round, tried);
    if ('status' in next) return next;
    round = next;
  }
}

/** What becomes of a round: an ending, or another round. */
async function settle(
  at: Situation,
  gates: Gates,
  publication: Publication,
  round: Round,
  tried: Tried,
): Promise<Ending | Round> {
  if (tried.kind === 'no_change') {
    return { status: 'finished', outcome: 'no_change', reason: 'The command ended well and changed nothing' };
  }
  if (tried.kind === 'stuck') return fallBack(at, gates, round, tried.reason, tried.patch);

  for (let { proof } = tried; ;) {
    const decisions = await askForApproval(at, gates, round, proof);
    const [decided] = decisions ?? [];
    if (decisions === null || decided === undefined) return declined(null);
    if (decided.decision.kind !== 'approve') return afterPerson(at, round, decided, tried.patch);

    const published = await publication.publish(proof, decisions, tried.patch);
    if (published.kind === 'promoted') return { status: 'finished', outcome: 'promoted', reason: null };
    if (published.kind === 'withdrawn') throw new Withdrawn(published.reason);
    if (published.kind === 'stuck') return fallBack(at, gates, round, published.reason, tried.patch);
    proof = published.proof;
  }
}

async function askForApproval(
  at: Situation,
  gates: Gates,
  round: Round,
  proof: Proof,
): Promise<CountedDecision[] | null> {
  const request = {
    kind: 'approval',
    round: round.number,
    subject: proof.subject,
    offers: ['approve', 'reject', ...reworkOffers(at.job, round)],
    reason: 'The change passed policy and every check: a person decides whether it is promoted',
    deadlineMs: at.job.deadlines.approvalMs,
  } as const;
  return gates.collect(request, at.job.approvals);
}

async function fallBack(
  at: Situation,
  gates: Gates,
  round: Round,
  reason: string,
  patch: ArtifactRef | null,
): Promise<Ending | Round> {
  const decided = await gates.open({
    kind: 'fallback',
    round: round.number,
    subject: null,
    offers: [...reworkOffers(at.job, round), 'reject'],
    reason,
    deadlineMs: at.job.deadlines.fallbackMs,
  });
  return decided === null ? declined(null) : afterPerson(at, round, decided, patch);
}

/** People may amend as long as they like; hands get as many rounds as policy allows. */
function reworkOffers(job: AdmittedJob, round: Round): DecisionKind[] {
  return round.number < job.maxRounds ? ['retry', 'amend'] : ['amend'];
}

function afterPerson(at: Situation, round: Round, decided: CountedDecision, patch: ArtifactRef | null): Ending | Round {
  const { kind, note, fresh, agent, patch: amendment } = decided.decision;
  const number = round.number + 1;
  switch (kind) {
    case 'retry':
      // A round that came to nothing leaves the tree it began from.
      return {
        number,
        hand: agent ?? at.job.hand,
        note,
        startPatch: fresh ? null : (patch ?? round.startPatch),
        amendment: null,
      };
    case 'amend':
      return { number, hand: 'person', note, startPatch: null, amendment };
    case 'approve':
    case 'reject':
    case 'answer':
    case 'raise':
      return declined(decided);
  }
}

function declined(decided: CountedDecision | null): Ending {
  if (decided === null) return { status: 'refused', outcome: 'expired', reason: 'Nobody decided in time' };
  const { actor, reason } = decided.decision;
  return { status: 'refused', outcome: 'rejected', reason: reason ?? `Rejected by ${actor}` };
}

/** A cancelled session took its promotion back before the promoter began to write. */
class Withdrawn extends Error {}

function endingOf(error: unknown): Ending {
  if (error instanceof Withdrawn) return { status: 'cancelled', outcome: null, reason: error.message };
  if (isCancellation(error)) return { status: 'cancelled', outcome: null, reason: 'Cancelled' };
  // A defect of ours is thrown on: the task fails, is repeated, and goes on once it is mended.
  const { type, reason } = stepFailure(error);
  const findings = [{ severity: 'deny', rule: type ?? 'step.failed', message: reason }] as const;
  return { status: 'failed', outcome: null, reason, findings };
}
