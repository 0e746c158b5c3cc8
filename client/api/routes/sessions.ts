import { z } from 'zod';
import { jobRequestSchema } from '../../../temporal/contract/job.ts';
import type { Operations } from '../../operations.ts';
import { cancelRequestSchema } from '../../operations/cancel.ts';
import { OperationError } from '../../operations/errors.ts';
import { cancelAnswerSchema, createdSchema, sessionPageSchema, waitAnswerSchema } from '../../schemas/answers.ts';
import { sessionSchema, statusSchema } from '../../schemas/session.ts';
import { count, route, sessionParam } from '../route.ts';
import type { Route } from '../route.ts';

/** One answer is held back at most this long: longer, and something on the way gives up first. */
const maxWaitMs = 60_000;

export const sessionRoutes = (operations: Operations): Route[] => [
  route({
    id: 'createSession',
    method: 'post',
    path: '/api/v1/sessions',
    tag: 'sessions',
    summary: 'Ask for work',
    description:
      'Keeps the request, then starts it. With an `Idempotency-Key` a repeated request gets the same answer and starts nothing twice.',
    headers: z.object({ 'Idempotency-Key': z.string().max(200).optional() }),
    body: { kind: 'json', schema: jobRequestSchema },
    answers: {
      201: { description: 'Started.', schema: createdSchema },
      202: { description: 'Kept; it starts by itself once Temporal is back.', schema: createdSchema },
    },
    problems: [400, 401, 413, 415, 422, 507],
    async handle({ body, caller, req }, res) {
      const key = idempotencyKey(req.get('Idempotency-Key'));
      const { session, started, replayed } = await operations.createSession(body, caller, key);
      const notice = started ? null : 'Temporal is away: the session is kept and starts by itself when it is back';
      if (replayed) res.set('Idempotency-Replayed', 'true');
      res
        .status(started ? 201 : 202)
        .location(`/api/v1/sessions/${session.id}`)
        .json({ ...session, started, notice });
    },
  }),
  route({
    id: 'listSessions',
    method: 'get',
    path: '/api/v1/sessions',
    tag: 'sessions',
    summary: 'List sessions, newest first',
    query: z.strictObject({
      status: statusSchema.optional(),
      repository: z.string().max(2048).optional(),
      requester: z.string().max(200).optional(),
      cursor: z.string().max(500).optional(),
      limit: count(1, 200).default(50),
    }),
    answers: { 200: { description: 'A page; `cursor` is null on the last one.', schema: sessionPageSchema } },
    problems: [401, 422],
    async handle({ query }, res) {
      res.json(await operations.list(query));
    },
  }),
  route({
    id: 'viewSession',
    method: 'get',
    path: '/api/v1/sessions/{id}',
    tag: 'sessions',
    summary: 'Look at a session',
    answers: { 200: { description: 'The session.', schema: sessionSchema } },
    problems: [401, 404],
    async handle(input, res) {
      res.json(await operations.view(sessionParam(input)));
    },
  }),
  route({
    id: 'waitForSession',
    method: 'get',
    path: '/api/v1/sessions/{id}/wait',
    tag: 'sessions',
    summary: 'Wait for a gate or the end',
    description:
      'Answers as soon as a gate is open (`for=gate`) or the session has ended (either), else `timeout` after `timeoutMs`.',
    query: z.strictObject({
      for: z.enum(['gate', 'end']).default('end'),
      timeoutMs: count(0, maxWaitMs).default(30_000),
    }),
    answers: { 200: { description: 'What was reached, and the session.', schema: waitAnswerSchema } },
    problems: [401, 404, 422],
    async handle(input, res) {
      const { query, signal } = input;
      res.json(await operations.wait(sessionParam(input), query.for, query.timeoutMs, signal));
    },
  }),
  route({
    id: 'cancelSession',
    method: 'post',
    path: '/api/v1/sessions/{id}/cancel',
    tag: 'sessions',
    summary: 'Cancel a session',
    description: 'In every state, also while promoting. Answers with what really happened.',
    body: { kind: 'json', schema: cancelRequestSchema, optional: true },
    answers: {
      200: { description: 'It has ended: `session` says how.', schema: cancelAnswerSchema },
      202: { description: 'Accepted, and still stopping.', schema: cancelAnswerSchema },
    },
    problems: [400, 401, 404, 413, 415, 422, 503],
    async handle(input, res) {
      const answer = await operations.cancel(sessionParam(input), input.body, input.caller);
      res.status(answer.result === 'stopping' ? 202 : 200).json(answer);
    },
  }),
];

/**
 * draft-ietf-httpapi-idempotency-key-header: a structured-field string. The bare form is taken too, because most
 * clients send it so.
 */
export function idempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  const key =
    /^"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,200})"$/.exec(header)?.[1] ??
    /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.exec(header)?.[0];
  if (key !== undefined) return key;
  throw new OperationError('input.invalid', 'The Idempotency-Key must be 1 to 200 printable characters', {
    next: 'Use a fresh UUID for each request',
  });
}
