/** One try: a hand (or a person) makes a change, control judges it, the validator proves it. */
import type {
  AdmittedJob,
  ArtifactRef,
  Base,
  CandidateView,
  Digest,
  Finding,
  Oid,
  Plan,
  RunResult,
  ValidationView,
} from '../temporal/contract/messages.ts';
import { stepFailure } from './failures.ts';
import { runRound } from './placement.ts';
import { control, validator } from './proxies.ts';
import type { Story } from './story.ts';

export interface Round {
  readonly number: number;
  readonly hand: string;
  readonly note: string | null;
  /** Where the hand starts: a patch over the base, or null for the clean base. */
  readonly startPatch: ArtifactRef | null;
  /** A person's change instead of a run. */
  readonly amendment: ArtifactRef | null;
}

/** A candidate that control let pass and whose checks were run on clean base + candidate. */
export interface Proof {
  readonly base: Base;
  readonly candidate: CandidateView;
  readonly inspection: Digest;
  readonly tree: Oid;
  readonly validation: ValidationView;
  readonly subject: Digest;
}

export type Tried =
  | { readonly kind: 'proven'; readonly proof: Proof; readonly patch: ArtifactRef }
  | { readonly kind: 'no_change' }
  /** Something for a person to decide; `patch` is what the round made so far, if it made anything. */
  | { readonly kind: 'stuck'; readonly reason: string; readonly patch: ArtifactRef | null };

export interface Situation {
  readonly story: Story;
  readonly job: AdmittedJob;
  readonly plan: Plan;
}

export async function tryRound(at: Situation, base: Base, round: Round): Promise<Tried> {
  const { story } = at;
  story.goOn('executing', 'round.started', {
    round: {
      number: round.number,
      hand: round.hand,
      note: round.note,
      hostId: null,
      placement: 0,
      verdict: null,
      exitCode: null,
      output: null,
      patch: round.amendment,
    },
    candidate: null,
    validation: null,
    findings: [],
  });
  let patch = round.amendment;
  try {
    if (patch === null) {
      const run = await runHand(at, base, round);
      if (run.verdict !== 'exited' || run.exitCode !== 0)
        return { kind: 'stuck', reason: describeRun(run), patch: run.patch };
      if (run.findings.some(({ severity }) => severity === 'deny')) {
        return { kind: 'stuck', reason: 'The worktree holds what no patch may carry', patch: null };
      }
      if (run.patch === null) return { kind: 'no_change' };
      patch = run.patch;
    }
    return await prove(at, base, patch, null);
  } catch (error) {
    return { kind: 'stuck', reason: stepFailure(error).reason, patch };
  }
}

async function runHand({ story, job }: Situation, base: Base, round: Round): Promise<RunResult> {
  const { number, startPatch, note } = round;
  const run = await runRound(story, job, {
    sessionId: story.state.id,
    round: number,
    job: job.digest,
    base,
    startPatch,
    note,
  });
  const { verdict, exitCode, output, patch, findings, durationMs } = run;
  const { round: view } = story.state;
  story.goOn(
    'inspecting',
    'round.finished',
    { round: view && { ...view, verdict, exitCode, output, patch }, findings },
    {
      data: { round: number, verdict, exitCode, durationMs },
      artifacts: [output.digest, ...(patch ? [patch.digest] : [])],
    },
  );
  return run;
}

/**
 * Judges a patch and proves it on a base. With `candidate` (the base moved under an approved candidate) the candidate's
 * bytes stay as they are.
 */
export async function prove(at: Situation, base: Base, patch: ArtifactRef, candidate: Digest | null): Promise<Tried> {
  const { story, job, plan } = at;
  const sessionId = story.state.id;
  const before = candidate === null ? story.state.findings : [];
  const request = { sessionId, job: job.digest, base, patch, plan, candidate };
  const inspection = await story.meanwhile(control.inspect(request));
  if (inspection.verdict === 'no_change') return { kind: 'no_change' };
  const findings: readonly Finding[] = [...before, ...inspection.findings];
  if (inspection.verdict === 'deny') {
    const change = { candidate: null, findings, baseCommit: base.commit };
    story.goOn('inspecting', 'candidate.denied', change, { artifacts: [patch.digest] });
    return { kind: 'stuck', reason: `Policy stops the change: ${firstDenial(findings)}`, patch };
  }

  const { tree, report } = inspection;
  const made = { candidate: inspection.candidate, findings, baseCommit: base.commit, validation: null };
  const artifacts = [patch.digest, inspection.candidate.digest, report];
  story.goOn('validating', 'candidate.made', made, { artifacts, data: { tree, inspection: report } });

  const { number: round } = story.state.round ?? { number: 0 };
  const summary = `checks on ${base.commit.slice(0, 12)} + ${inspection.candidate.digest.slice(7, 19)}`;
  const { validate } = validator(job.timings);
  const validation = await story.meanwhile(
    validate.executeWithOptions({ summary }, [
      { sessionId, round, job: job.digest, base, candidate: inspection.candidate.digest, tree },
    ]),
  );
  const logs = validation.checks.flatMap(({ logDigest }) => logDigest ?? []);
  story.tell('validation.finished', { validation }, { artifacts: [validation.report, ...logs] });
  if (validation.verdict === 'fail') return { kind: 'stuck', reason: describeFailedChecks(validation), patch };

  const subject = await story.meanwhile(
    control.subject({ sessionId, job: job.digest, inspection: report, report: validation.report }),
  );
  const proof = { base, candidate: inspection.candidate, inspection: report, tree, validation, subject };
  return { kind: 'proven', proof, patch };
}

function describeRun({ verdict, exitCode, durationMs }: RunResult): string {
  switch (verdict) {
    case 'exited':
      return `The command failed with exit code ${exitCode}`;
    case 'timeout':
      return `The command was stopped at its time limit, after ${Math.round(durationMs / 1000)} s`;
    case 'oom':
      return 'The command was killed: it used up its memory';
    case 'output_limit':
      return 'The command was stopped: it printed more than its output limit';
    case 'cancelled':
      return 'The command was cancelled';
    case 'killed':
      return 'The command was killed from outside (probably for memory)';
    case 'start_failed':
      return 'The command could not be started: see its log';
  }
}

function describeFailedChecks({ checks }: ValidationView): string {
  const failed = checks.filter(({ verdict, exitCode }) => verdict !== 'exited' || exitCode !== 0);
  const list = failed.map(
    ({ name, verdict, exitCode }) => `${name} (${verdict === 'exited' ? `exit ${exitCode}` : verdict})`,
  );
  return `Checks failed on clean base + change: ${list.join(', ')}`;
}

function firstDenial(findings: readonly Finding[]): string {
  const first = findings.find(({ severity }) => severity === 'deny');
  return first ? `${first.message} [${first.rule}]` : 'no reason was given';
}
