/** From an approved proof to the promoter's answer, on whatever base the target has by then. */
import { CancellationScope, condition, getExternalWorkflowHandle, setHandler } from '@temporalio/workflow';
import type { Duration } from '@temporalio/common';
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
import { isPromotionAnswer } from './shapes.ts';

export type Published =
  | { readonly kind: 'promoted' }
  /** The session was cancelled before its promotion. */
  | { readonly kind: 'withdrawn'; readonly reason: string }
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
/** A promoter that is writing right now answers within this, whatever becomes of it (`proxies.ts`). */
const lastWordWithin = '20 minutes';

/** Of a whole session: what was asked for in one round is never taken for an answer in another. */
export class Publication {
  private readonly at: Situation;
  private readonly answers = new Map<string, PromotionResult>();
  private attempts = 0;
  private moves = 0;

  constructor(at: Situation) {
    this.at = at;
    setHandler(promotionAnsweredSignal, (answer: PromotionAnswer) => {
      if (isPromotionAnswer(answer)) this.answers.set(answer.id, answer.result);
    });
  }

  /** Asks the target's single writer, and follows the base when it moved. */
  async publish(approved: Proof, decisions: readonly CountedDecision[], patch: ArtifactRef): Promise<Published> {
    const { story } = this.at;
    this.moves = 0;
    for (let proof = approved; ;) {
      const result = await this.ask(proof, decisions);
      switch (result.kind) {
        case 'promoted':
          story.tell('promotion.done', { promotion: result.promotion }, { artifacts: [result.promotion.receipt] });
          return { kind: 'promoted' };
        case 'withdrawn':
          return unpromoted('Cancelled', 'The promoter did not answer for hours, and the promotion was taken back');
        case 'unknown':
          return unpromoted(`Cancelled. ${mayBeWritten}`, mayBeWritten);
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
      if (session.consideredCancelled) return { kind: 'withdrawn' };
      for (let asked = 1; asked <= maxAsks && !session.consideredCancelled; asked++) {
        await story.meanwhile(control.requestPromotion(request));
        // A cancelled session takes its request back, and then hears what really happened: the promoter may have won.
        if (asked === 1) session.cancelRequested.catch(() => this.withdraw(request));
        const result = await this.answer(request, askAgainAfter);
        if (result !== null) return result;
      }
      // Nothing may be written for a session that goes on without it. A writer that is gone has no more to say about it.
      const more = (await this.withdraw(request)) || this.answers.has(id);
      const lastWord = more ? await this.answer(request, lastWordWithin) : null;
      return lastWord ?? { kind: 'unknown', message: mayBeWritten };
    });
  }

  /** What the promoter says, or null when that is nothing to go on with: silence, uncertainty, or a claim not its own. */
  private async answer(request: PromotionRequest, within: Duration): Promise<PromotionResult | null> {
    const { id } = request;
    await condition(() => this.answers.has(id), within, { summary: 'promoter' });
    const result = this.answers.get(id) ?? null;
    this.answers.delete(id);
    if (result?.kind === 'unknown') {
      this.at.story.tell('promotion.unknown', {}, { data: { request: id, reason: result.message } });
      return null;
    }
    return result !== null && (await this.holds(request, result)) ? result : null;
  }

  /** Anybody can signal that this was promoted. What the promoter did not sign for is recorded and not believed. */
  private async holds({ id, sessionId, evidence }: PromotionRequest, result: PromotionResult): Promise<boolean> {
    if (result.kind !== 'promoted') return true;
    const { story } = this.at;
    try {
      await control.verifyReceipt({ sessionId, promotion: result.promotion, evidence });
      return true;
    } catch (error) {
      story.tell('promotion.claim_refused', {}, { data: { request: id, reason: stepFailure(error).reason } });
      return false;
    }
  }

  /** Resolves with whether there is anybody who could hold the request. */
  private async withdraw({ id, target }: PromotionRequest): Promise<boolean> {
    const writer = getExternalWorkflowHandle(workflowIds.promotions(target.key));
    return writer.signal(withdrawPromotionSignal, { id }).then(
      () => true,
      () => false,
    );
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

const mayBeWritten = 'The promoter went silent: look at the target, as the change may be there already';

/** Nothing is known to have been promoted: the end of a cancelled session, a person's business for any other. */
const unpromoted = (whenCancelled: string, otherwise: string): Published =>
  CancellationScope.current().consideredCancelled
    ? { kind: 'withdrawn', reason: whenCancelled }
    : { kind: 'stuck', reason: otherwise };

const messages = (findings: readonly Finding[]): string => findings.map(({ message }) => message).join('; ');
