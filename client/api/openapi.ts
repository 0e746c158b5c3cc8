/** /openapi.json, made from the routes themselves. */
import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import { problemSchema } from '../schemas/answers.ts';
import type { Answer, Route } from './route.ts';

const problemDescriptions: Readonly<Record<number, string>> = {
  400: 'It cannot be read.',
  401: 'No token, or not a known one.',
  404: 'There is no such thing, or not for you.',
  409: 'The gate is not open, or what waits there has changed.',
  413: 'Larger than the limit, which the answer names.',
  415: 'Another content type, or compressed.',
  422: 'Understood and refused; `rules` names the rules.',
  503: 'Temporal does not answer; nothing is lost.',
  507: 'The disk is full; nothing was kept.',
};

/** Plain JSON, OpenAPI 3.1. */
export function describeApi(routes: readonly Route[], { version, url }: { version: string; url: string }) {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: describeRoute(route) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Autonomous Agent Stack',
      version,
      description:
        'Ask for a change to a repository, look at what an agent made of it, decide, and get a validated patch. Errors are RFC 9457 problem documents that say what to do next.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url }],
    tags: [
      { name: 'sessions', description: 'Ask for work and follow it.' },
      { name: 'people', description: 'Decide at a gate.' },
      { name: 'evidence', description: 'Patches, artifacts, histories and the audit log.' },
      { name: 'service', description: 'The API itself.' },
    ],
    security: [{ token: [] }],
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'The personal token, in `.aas/token`.' },
      },
    },
    paths,
  });
}

function describeRoute(route: Route): ZodOpenApiOperationObject {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const path = z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.open === true ? { security: [] } : {}),
    requestParams: {
      ...(names.length > 0 ? { path } : {}),
      ...(route.query === undefined ? {} : { query: route.query }),
      ...(route.headers === undefined ? {} : { header: route.headers }),
    },
    ...(route.body === undefined ? {} : { requestBody: describeBody(route.body) }),
    responses: {
      ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, describeAnswer(answer)])),
      ...Object.fromEntries(route.problems.map((status) => [status, describeProblem(status)])),
    },
  };
}

function describeBody(body: NonNullable<Route['body']>) {
  if (body.kind === 'json') {
    return { required: body.optional !== true, content: { 'application/json': { schema: body.schema } } };
  }
  return { required: true, content: { 'text/x-patch': { schema: z.string() }, 'application/octet-stream': {} } };
}

function describeAnswer({ description, schema, mediaType }: Answer) {
  const type = mediaType ?? 'application/json';
  return { description, content: { [type]: schema === undefined ? { schema: z.string() } : { schema } } };
}

const describeProblem = (status: number) => ({
  description: problemDescriptions[status] ?? 'Refused.',
  content: { 'application/problem+json': { schema: problemSchema } },
});
