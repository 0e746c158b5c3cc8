import { z } from 'zod';
import { digestSchema } from '../../../temporal/contract/primitives.ts';
import type { Operations } from '../../operations.ts';
import { OperationError } from '../../operations/errors.ts';
import { auditPageSchema, auditVerdictSchema } from '../../schemas/answers.ts';
import { headSchema } from '../../schemas/head.ts';
import { count, route, sessionParam } from '../route.ts';
import type { Route } from '../route.ts';

export const evidenceRoutes = (operations: Operations): Route[] => [
  route({
    id: 'downloadPatch',
    method: 'get',
    path: '/api/v1/sessions/{id}/patch',
    tag: 'evidence',
    summary: 'The patch',
    description:
      'The promoted bytes, else those of the current candidate; `X-AAS-Promoted` says which, `ETag` is their digest.',
    answers: { 200: { description: 'What `git am` takes.', mediaType: 'text/x-patch' } },
    problems: [401, 404],
    async handle(input, res) {
      const id = sessionParam(input);
      const { digest, bytes, promoted } = await operations.patch(id);
      res.set({
        'Content-Type': 'text/x-patch',
        'Content-Disposition': `attachment; filename="${id}.patch"`,
        ETag: `"${digest}"`,
        'X-AAS-Promoted': String(promoted),
      });
      res.send(bytes);
    },
  }),
  route({
    id: 'downloadArtifact',
    method: 'get',
    path: '/api/v1/artifacts/{digest}',
    tag: 'evidence',
    summary: 'An artifact, through a session that refers to it',
    answers: {
      200: { description: 'Its bytes, hashed again before they are sent.', mediaType: 'application/octet-stream' },
    },
    problems: [401, 404],
    async handle(input, res) {
      const digest = digestSchema.safeParse(input.param('digest'));
      if (!digest.success) {
        throw new OperationError('artifact.unknown', 'That is not an artifact’s digest', {
          next: 'It looks like sha256:<64 hex digits>',
        });
      }
      const path = await operations.artifact(digest.data);
      res.set({
        'Content-Type': 'application/octet-stream',
        'Content-Disposition': 'attachment',
        ETag: `"${digest.data}"`,
      });
      // The store is a folder of ours; that it may lie under a dot folder (.aas) is no reason to refuse.
      await new Promise<void>((resolve, reject) => {
        res.sendFile(path, { dotfiles: 'allow', etag: false, cacheControl: false }, (error) =>
          error ? reject(error) : resolve(),
        );
      });
    },
  }),
  route({
    id: 'downloadHistory',
    method: 'get',
    path: '/api/v1/sessions/{id}/history',
    tag: 'evidence',
    summary: 'The Temporal history as JSON',
    description:
      'The archived one once the session is sealed, else the live one: what `aas replay` runs against today’s workflow code.',
    answers: {
      200: {
        description: 'As `temporal workflow show --output json` writes it.',
        schema: z.record(z.string(), z.unknown()),
      },
    },
    problems: [401, 404, 503],
    async handle(input, res) {
      res.type('application/json').send(await operations.history(sessionParam(input)));
    },
  }),
  route({
    id: 'auditLines',
    method: 'get',
    path: '/api/v1/audit/lines',
    tag: 'evidence',
    summary: 'The audit log as canonical lines',
    query: z.strictObject({ after: count(0, 1e15).default(0), limit: count(1, 1000).default(1000) }),
    answers: { 200: { description: 'Lines with `sequence > after`, oldest first.', schema: auditPageSchema } },
    problems: [401, 422],
    async handle({ query }, res) {
      const items = await operations.auditLines(query.after, query.limit);
      res.json({ items, next: items.length === query.limit ? (items.at(-1)?.sequence ?? null) : null });
    },
  }),
  route({
    id: 'verifyAudit',
    method: 'get',
    path: '/api/v1/audit/verify',
    tag: 'evidence',
    summary: 'Recompute the whole log and every row made from it',
    description:
      'With `head`, `SEQUENCE:HASH` of a record that was kept elsewhere, a log whose end was cut off or forged is broken too.',
    query: z.strictObject({ head: headSchema.optional() }),
    answers: { 200: { description: 'Intact, or where it stops being what was written.', schema: auditVerdictSchema } },
    problems: [401, 422],
    async handle({ query }, res) {
      res.json(await operations.verifyAudit(query.head));
    },
  }),
];
