/** The other bodies that the API answers with. */
import { z } from 'zod';
import { decisionKindSchema, signedDecisionSchema } from '../../temporal/contract/evidence.ts';
import { digestSchema, timestampSchema } from '../../temporal/contract/primitives.ts';
import { sessionSchema } from './session.ts';

export const createdSchema = sessionSchema
  .extend({
    started: z.boolean().meta({ description: 'false: Temporal is away; the session is kept and starts by itself.' }),
    notice: z.string().nullable(),
  })
  .meta({ id: 'CreatedSession', description: 'The session as it was requested.' });

export const sessionPageSchema = z
  .object({ items: z.array(sessionSchema), cursor: z.string().nullable() })
  .meta({ id: 'SessionPage' });

const eventSchema = z
  .object({
    sequence: z.int().meta({ description: 'Place in the whole log.' }),
    prevhash: digestSchema,
    id: z.string(),
    session: z.string(),
    number: z.int().meta({ description: "Place among this session's events, from 1, without gaps." }),
    time: timestampSchema,
    type: z.string().meta({ example: 'gate.opened' }),
    actor: z.string(),
    change: z.record(z.string(), z.unknown()),
    data: z.record(z.string(), z.unknown()),
    artifacts: z.array(digestSchema),
  })
  .meta({ id: 'Event' });

export const eventPageSchema = z
  .object({
    items: z.array(eventSchema),
    next: z.int().nullable().meta({ description: 'Pass it as `after` for the next page; null at the end.' }),
  })
  .meta({ id: 'EventPage' });

const logChunkSchema = z.object({ stream: z.string(), n: z.int(), text: z.string() }).meta({ id: 'LogChunk' });
export const logPageSchema = z
  .object({
    items: z.array(logChunkSchema),
    cursor: z.string().meta({ description: 'Pass it back for what comes after.', example: 'round-1:12' }),
  })
  .meta({ id: 'LogPage' });

export const decisionAnswerSchema = z
  .object({ gate: z.string(), kind: decisionKindSchema, accepted: z.literal(true) })
  .meta({ id: 'DecisionAnswer' });

export const printedDecisionSchema = signedDecisionSchema.meta({
  description: 'The argument of the Signal `decideSignal` or the Update `decide` of the workflow.',
});

export const cancelAnswerSchema = z
  .object({ result: z.enum(['cancelled', 'already_ended', 'stopping']), session: sessionSchema })
  .meta({ id: 'CancelAnswer' });

export const waitAnswerSchema = z
  .object({ result: z.enum(['gate', 'end', 'timeout']), session: sessionSchema })
  .meta({ id: 'WaitAnswer' });

export const auditPageSchema = z
  .object({
    items: z.array(z.object({ sequence: z.int(), line: z.string() })),
    next: z.int().nullable(),
  })
  .meta({ id: 'AuditPage' });

export const auditVerdictSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('intact'), records: z.int(), head: digestSchema }),
    z.object({ kind: z.literal('broken'), sequence: z.int(), reason: z.string() }),
  ])
  .meta({ id: 'AuditVerdict' });

export const healthSchema = z
  .object({
    live: z.literal(true),
    ready: z.boolean(),
    version: z.string(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), reason: z.string().nullable() })),
  })
  .meta({ id: 'Health' });

export const problemSchema = z
  .object({
    type: z.string().meta({ example: 'urn:aas:problem:gate.stale' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'This request, as the log of the API names it.' }),
    code: z.string(),
    rules: z.array(z.string()).meta({ description: 'Stable ids of the rules that refused.' }),
    next: z.string().meta({ description: 'What to do now.' }),
    errors: z.array(z.object({ pointer: z.string(), rule: z.string(), message: z.string() })),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });
export type Problem = z.infer<typeof problemSchema>;
