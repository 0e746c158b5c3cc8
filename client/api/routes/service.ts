import { fileURLToPath } from 'node:url';
import type { Response } from 'express';
import { healthSchema } from '../../schemas/answers.ts';
import type { Health } from '../health.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

const docsFile = (name: string): string => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

const sendDocs = (name: string) => async (_input: unknown, res: Response) =>
  new Promise<void>((resolve, reject) => {
    res.sendFile(docsFile(name), { dotfiles: 'allow' }, (error) => (error ? reject(error) : resolve()));
  });

export interface ServiceRouteOptions {
  readonly health: () => Promise<Health>;
  readonly metrics: (res: Response) => Promise<void>;
  /** Asked when the document is asked for: it describes these routes too. */
  readonly openapi: () => unknown;
}

export const serviceRoutes = ({ health, metrics, openapi }: ServiceRouteOptions): Route[] => [
  route({
    id: 'health',
    method: 'get',
    path: '/health',
    tag: 'service',
    summary: 'Whether the API is live and ready',
    open: true,
    answers: {
      200: { description: 'Live and ready.', schema: healthSchema },
      503: { description: 'Live, not ready: `checks` says why. What needs no Temporal works.', schema: healthSchema },
    },
    problems: [],
    async handle(_input, res) {
      const state = await health();
      res
        .status(state.ready ? 200 : 503)
        .set('Cache-Control', 'no-store')
        .json(state);
    },
  }),
  route({
    id: 'metrics',
    method: 'get',
    path: '/metrics',
    tag: 'service',
    summary: 'Prometheus metrics of this process',
    description: 'Open to loopback; from elsewhere with the token.',
    answers: { 200: { description: 'Text exposition format.', mediaType: 'text/plain' } },
    problems: [401],
    handle: (_input, res) => metrics(res),
  }),
  route({
    id: 'openapi',
    method: 'get',
    path: '/openapi.json',
    tag: 'service',
    summary: 'This description',
    open: true,
    answers: { 200: { description: 'OpenAPI 3.1.', mediaType: 'application/json' } },
    problems: [],
    handle(_input, res) {
      res.json(openapi());
    },
  }),
  ...(
    [
      ['docs', '/docs', 'index.html', 'text/html', 'This description, to read'],
      ['docsScript', '/docs/docs.js', 'docs.js', 'text/javascript', 'Script of /docs'],
      ['docsStyle', '/docs/docs.css', 'docs.css', 'text/css', 'Style of /docs'],
    ] as const
  ).map(([id, path, file, mediaType, summary]) =>
    route({
      id,
      method: 'get',
      path,
      tag: 'service',
      summary,
      open: true,
      answers: { 200: { description: 'A file.', mediaType } },
      problems: [],
      handle: sendDocs(file),
    }),
  ),
];
