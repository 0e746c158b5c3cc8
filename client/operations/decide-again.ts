/** A decision whose answer was lost is sent again: it must be answered as it was, though its gate is closed since. */
import { createHash, randomBytes } from 'node:crypto';
import { canonicalJson } from '../../artifacts/digest.ts';
import { decisionSchema, envelopeSchema } from '../../temporal/contract/evidence.ts';
import type { Decision, DecisionAnswer, Digest } from '../../temporal/contract/messages.ts';
import { digestSchema } from '../../temporal/contract/primitives.ts';
import type { DecisionRequest } from './decide.ts';
import { OperationError } from './errors.ts';
import type { Caller, OperationPorts } from './ports.ts';

/**
 * What makes a decision this one and no other. With an idempotency key it is made from the key, so that the decision on
 * record tells which key it came with, for as long as there is a record.
 */
export const nonceOf = (sessionId: string, { name }: Caller, key: string | null): string =>
  key === null
    ? randomBytes(16).toString('hex')
    : createHash('sha256')
        .update(JSON.stringify([sessionId, name, key]))
        .digest('hex');

/** More records than a session has. */
const allRecords = 100_000;

export function createRepeating({ store, artifacts }: Pick<OperationPorts, 'store' | 'artifacts'>) {
  /** The answer to the decision of this nonce, null when none counted. Rejects `idempotency.conflict`. */
  return async function repeated(
    sessionId: string,
    request: DecisionRequest,
    nonce: string,
  ): Promise<DecisionAnswer | null> {
    for (const { type, data } of await store.events(sessionId, 0, allRecords)) {
      if (type !== 'gate.decided') continue;
      const decision = await decisionOf(digestSchema.parse(data['decision']));
      if (decision.nonce !== nonce) continue;
      if (isSame(decision, request)) return { gate: decision.gate, kind: decision.kind, accepted: true };
      throw new OperationError(
        'idempotency.conflict',
        `This Idempotency-Key was used for another decision (${decision.kind} at ${decision.gate})`,
        { next: 'Send the first decision again as it was, or choose a new key' },
      );
    }
    return null;
  };

  /** Whoever recorded it has verified its signature; its bytes still hash to the name that is on record. */
  async function decisionOf(digest: Digest): Promise<Decision> {
    const { payload } = envelopeSchema.parse(JSON.parse((await artifacts.get(digest)).toString()));
    return decisionSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString()));
  }
}

/** Who names no subject decides on the one that the gate shows. */
const isSame = (decision: Decision, { subject = decision.subject, ...request }: DecisionRequest): boolean =>
  canonicalJson({ ...decision, ...request, subject }) === canonicalJson(decision);
