import { z } from 'zod';
import { decisionKindSchema } from '../../../temporal/contract/evidence.ts';
import type { DecisionKind } from '../../../temporal/contract/messages.ts';
import { OperationError } from '../../operations/errors.ts';
import type { Operations } from '../../operations.ts';
import { decisionRequestSchema } from '../../operations/decide.ts';
import { decisionAnswerSchema, printedDecisionSchema } from '../../schemas/answers.ts';
import { artifactRefSchema } from '../../../temporal/contract/primitives.ts';
import { route, sessionParam } from '../route.ts';
import type { Route } from '../route.ts';
import { idempotencyKey } from './sessions.ts';

export const peopleRoutes = (
  operations: Operations,
  countDecision: (kind: DecisionKind, result: string) => void,
): Route[] => [
  route({
    id: 'decide',
    method: 'post',
    path: '/api/v1/sessions/{id}/decisions',
    tag: 'people',
    summary: 'Decide the open gate',
    description:
      'Name the gate, and for an approval its subject, as the session shows them: a decision on anything else is refused as stale. With an `Idempotency-Key` a repeated decision gets the same answer and counts once.',
    headers: z.object({ 'Idempotency-Key': z.string().max(200).optional() }),
    body: { kind: 'json', schema: decisionRequestSchema },
    answers: { 200: { description: 'Verified and recorded.', schema: decisionAnswerSchema } },
    problems: [400, 401, 404, 409, 413, 415, 422, 503],
    async handle(input, res) {
      const key = idempotencyKey(input.req.get('Idempotency-Key'));
      try {
        const { answer, replayed } = await operations.decide(sessionParam(input), input.body, input.caller, key);
        if (replayed) res.set('Idempotency-Replayed', 'true');
        else countDecision(answer.kind, 'accepted');
        res.json(answer);
      } catch (error) {
        const kind = decisionKindSchema.safeParse((input.body as { kind?: unknown } | undefined)?.kind);
        if (error instanceof OperationError && kind.success) countDecision(kind.data, error.code);
        throw error;
      }
    },
  }),
  route({
    id: 'signDecision',
    method: 'post',
    path: '/api/v1/sessions/{id}/decisions/sign',
    tag: 'people',
    summary: 'Sign a decision without sending it',
    description:
      'For the second door: the answer is what the Signal `decideSignal` takes, for instance in the Temporal Web UI.',
    body: { kind: 'json', schema: decisionRequestSchema },
    answers: { 200: { description: 'The decision and its DSSE envelope.', schema: printedDecisionSchema } },
    problems: [400, 401, 404, 409, 413, 415, 422],
    async handle(input, res) {
      res.json(await operations.signDecisionOnly(sessionParam(input), input.body, input.caller));
    },
  }),
  route({
    id: 'keepPatch',
    method: 'post',
    path: '/api/v1/sessions/{id}/patches',
    tag: 'people',
    summary: 'Bring a patch for an amendment',
    description:
      'A plain diff against the base, such as `git diff --binary` writes. Name the answer as `patch` of an `amend` decision.',
    body: { kind: 'patch' },
    answers: { 201: { description: 'Kept.', schema: artifactRefSchema } },
    problems: [401, 404, 413, 415, 422, 507],
    async handle(input, res) {
      const bytes = Buffer.isBuffer(input.body) ? input.body : Buffer.alloc(0);
      res.status(201).json(await operations.keepPatch(sessionParam(input), bytes));
    },
  }),
];
