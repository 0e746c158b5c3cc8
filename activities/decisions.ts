/** What comes back from people and from the promoter counts once its signature was checked. */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { canonicalJson } from '../artifacts/digest.ts';
import { provesNothing } from './ports/evidence.ts';
import type { Evidence } from './ports/evidence.ts';
import { signedDecisionSchema } from '../temporal/contract/evidence.ts';
import { failures } from '../temporal/contract/messages.ts';
import type { ControlActivities } from '../temporal/contract/messages.ts';
import { refusal } from './failures.ts';

export interface DecisionPorts {
  readonly artifacts: ArtifactStore;
  readonly evidence: Evidence;
  /** Hands that a retry may name. */
  readonly agents: readonly string[];
}

export function createDecisionActivities(
  ports: DecisionPorts,
): Pick<ControlActivities, 'verifyDecision' | 'verifyReceipt'> {
  const { artifacts, evidence, agents } = ports;
  return {
    verifyDecision: async (signed) => {
      const parsed = signedDecisionSchema.safeParse(signed);
      if (!parsed.success)
        throw refusal(failures.decisionInvalid, 'The decision has not the shape of one', parsed.error);
      const { decision, envelope } = parsed.data;
      const { payload, digest } = await evidence
        .keep('decision', envelope)
        .catch(refusing(failures.decisionInvalid, 'The decision is not signed by the key of this installation'));
      if (canonicalJson(payload) !== canonicalJson(decision)) {
        throw refusal(failures.decisionInvalid, 'What was signed is not what the decision says');
      }
      if (decision.agent !== null && !agents.includes(decision.agent)) {
        const known = agents.join(', ');
        throw refusal(failures.decisionInvalid, `There is no agent ${decision.agent} here; known are ${known}`);
      }
      if (decision.patch !== null && !(await artifacts.has(decision.patch.digest))) {
        throw refusal(failures.decisionInvalid, `The amendment ${decision.patch.digest} was never uploaded`);
      }
      return digest;
    },

    verifyReceipt: async ({ sessionId, promotion, evidence: asked }) => {
      const receipt = await evidence
        .open('receipt', promotion.receipt)
        .catch(refusing(failures.evidenceInvalid, 'The promoter has not signed for this promotion'));
      const { mode, ref, commit, baseCommit, job, candidate, inspection, report, decisions } = receipt;
      const written = { mode, ref, commit, baseCommit, digest: candidate, receipt: promotion.receipt };
      const given = { job, candidate, inspection, report, decisions };
      const same =
        receipt.session === sessionId &&
        canonicalJson(written) === canonicalJson(promotion) &&
        // A session's earlier candidate may have been promoted after all: that is not what was approved here.
        canonicalJson(given) === canonicalJson(asked);
      if (!same) throw refusal(failures.evidenceInvalid, 'The promoter signed for another promotion than this');
    },
  };
}

/** What proves nothing is refused; what could not be read, or kept, is tried again. */
const refusing = (type: Parameters<typeof refusal>[0], message: string) => (error: unknown) => {
  throw provesNothing(error) ? refusal(type, message, error) : error;
};
