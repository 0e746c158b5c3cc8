/** From an approved proof to the promoter's answer, on whatever base the target has by then. */
import { CancellationScope, condition, getExternalWorkflowHandle, setHandler } from '@temporalio/workflow';
import { workflowIds } from '../temporal/contract/messages.ts';
import type {
  ArtifactRef,
  Finding,
  Oid,
  PromotionAnswer,
  PromotionRequest,
  PromotionResult,
} from '../temporal/contract/messages.ts';
import { stepFailure } from './failures.ts';
import type { CountedDecision } from './gates.ts';
import { promotionAnsweredSignal, withdrawPromotionSignal } from './messages.ts';
import { control, source } from './proxies.ts';
import { prove } from './rounds.ts';
import type { Proof, Situation } from './rounds.ts';

export type Published =
  | { readonly kind: 'promoted' }
  | { readonly kind: 'withdrawn' }
  /** The base moved and what is proven there is another subject: people decide again. */
  | { readonly kind: 'approval_stale'; readonly proof: Proof }
  | { readonly kind: 'stuck'; readonly reason: string };

type Followed =
  { readonly kind: 'proven'; readonly proof: Proof } | { readonly kind: 'stuck'; readonly reason: string };

/** How often a moved base is followed before a person is asked. */
const maxMovedBases = 3;
/** An answer that was lost is asked for again after this long; the promoter finds its own earlier result. */
const askAgainAfter = '10 minutes';
const maxAsks = 12;

export class Publication {
  private readonly at: Situation;
  private readonly answers = new Map<string, PromotionResult>();
  private attempts = 0;
  private moves = 0;

  constructor(at: Situation) {
    this.at = at;
    setHandler(promotionAnsweredSignal, ({ id, result }: PromotionAnswer) => {
      this.answers.set(id, result);
    });
  }

  /** Asks the target's single writer, and follows the base when it moved. */
  async publish(approved: Proof, decisions: readonly CountedDecision[], patch: ArtifactRef): Promise<Published> {
    const { story } = this.at;
    for (let proof = approved; ;) {
      const result = await this.ask(proof, decisions);
      switch (result.kind) {
        case 'promoted':
          story.tell('promotion.done', { promotion: result.promotion }, { artifacts: [result.promotion.receipt] });
          return { kind: 'promoted' };
        case 'withdrawn':
          return { kind: 'withdrawn' };
        case 'refused':
          story.tell('promotion.refused', { findings: [...story.state.findings, ...result.findings] });
          return { kind: 'stuck', reason: `The promoter refused: ${messages(result.findings)}` };
        case 'base_moved': {
          const moved = await this.follow(result.commit, proof, patch);
          if (moved.kind !== 'proven') return moved;
          if (moved.proof.subject !== approved.subject) return { kind: 'approval_stale', proof: moved.proof };
          proof = moved.proof;
        }
      }
    }
  }

  private async ask(proof: Proof, decisions: readonly CountedDecision[]): Promise<PromotionResult> {
    const { story, job } = this.at;
    const id = `${story.state.id}/${++this.attempts}`;
    const request: PromotionRequest = {
      id,
      sessionId: story.state.id,
      target: job.target,
      base: proof.base,
      evidence: {
        job: job.digest,
        candidate: proof.candidate.digest,
        inspection: proof.inspection,
        report: proof.validation.report,
        decisions: decisions.map(({ digest }) => digest),
      },
    };
    const session = CancellationScope.current();
    return CancellationScope.nonCancellable(async () => {
      // The intent is on record before anything can be written.
      const data = { request: id, target: job.target, evidence: request.evidence };
      story.goOn('promoting', 'promotion.intended', {}, { data });
      await story.told();
      // A cancelled session takes its request back, and then hears what really happened: the promoter may have won.
      session.cancelRequested.catch(() => this.withdraw(request)).catch(() => undefined);
      for (let asked = 1; asked <= maxAsks; asked++) {
        await story.meanwhile(control.requestPromotion(request));
        await condition(() => this.answers.has(id), askAgainAfter, { summary: 'promoter' });
        const result = this.answers.get(id);
        if (result !== undefined && (await this.holds(id, result))) return result;
      }
      const message = 'The promoter did not answer for two hours: is a worker polling the promote queue?';
      return { kind: 'refused', findings: [{ severity: 'deny', rule: 'promotion.unanswered', message }] };
    });
  }

  /** Anybody can signal that this was promoted. What the promoter did not sign for is recorded and not believed. */
  private async holds(id: string, result: PromotionResult): Promise<boolean> {
    if (result.kind !== 'promoted') return true;
    const { story } = this.at;
    try {
      await control.verifyReceipt({ sessionId: story.state.id, promotion: result.promotion });
      return true;
    } catch (error) {
      this.answers.delete(id);
      story.tell('promotion.claim_refused', {}, { data: { request: id, reason: stepFailure(error).reason } });
      return false;
    }
  }

  private async withdraw({ id, target }: PromotionRequest): Promise<void> {
    await getExternalWorkflowHandle(workflowIds.promotions(target.key)).signal(withdrawPromotionSignal, { id });
  }

  private async follow(commit: Oid, proof: Proof, patch: ArtifactRef): Promise<Followed> {
    const { story, job } = this.at;
    if (++this.moves > maxMovedBases) {
      return { kind: 'stuck', reason: `The base moved ${this.moves} times while this was being promoted` };
    }
    story.goOn('validating', 'base.moved', {}, { data: { from: proof.base.commit, to: commit } });
    try {
      const request = { repository: job.target.repository, ref: job.target.ref ?? commit };
      const base = await story.meanwhile(source.resolveBase(request));
      const tried = await prove(this.at, base, patch, proof.candidate.digest);
      if (tried.kind === 'no_change') return { kind: 'stuck', reason: 'The new base already holds this change' };
      return tried;
    } catch (error) {
      return { kind: 'stuck', reason: stepFailure(error).reason };
    }
  }
}

const messages = (findings: readonly Finding[]): string => findings.map(({ message }) => message).join('; ');
