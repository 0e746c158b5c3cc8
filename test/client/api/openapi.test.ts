import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

let api: TestApi;
let document: Document;
beforeAll(async () => {
  api = await startApi(fakeWorkflows());
  document = (await (await fetch(`${api.url}/openapi.json`)).json()) as Document;
});
afterAll(() => api.close());

interface Operation {
  operationId: string;
  summary: string;
  security?: unknown[];
  requestBody?: { content: Record<string, { schema?: unknown }> };
  responses: Record<string, { description: string; content: Record<string, unknown> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

test('every route is described, and everything described is a route', () => {
  const described = operations()
    .map(({ method, path }) => `${method} ${path}`)
    .sort();
  expect(described).toEqual(api.routes.map(({ method, path }) => `${method} ${path}`).sort());
});

test('every described route is really there', async () => {
  for (const { method, path } of operations()) {
    const answer = await api.get(path.replaceAll(/\{\w+\}/g, 'none'), { method: method.toUpperCase() });
    expect([path, await answer.text()]).toEqual([path, expect.not.stringMatching(/route.unknown|method.not_allowed/)]);
  }
});

test('each says what it does and how it can fail', () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, operation } of operations()) {
    expect(operation.summary.length).toBeGreaterThan(5);
    const open = operation.security?.length === 0;
    expect([path, '401' in operation.responses]).toEqual([path, !open]);
    if (operation.requestBody && !open) expect(operation.responses).toHaveProperty('413');
    for (const [status, answer] of Object.entries(operation.responses)) {
      if (Number(status) >= 400 && path !== '/health')
        expect(answer.content).toHaveProperty(['application/problem+json']);
    }
  }
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) {
    const name = /^#\/components\/schemas\/(.+)$/.exec(reference)?.[1];
    expect(document.components.schemas).toHaveProperty([name ?? reference]);
  }
  expect(document.openapi).toBe('3.1.0');
});

test('what a job takes is described as it is sent, defaults and all', () => {
  const request = document.components.schemas['JobRequest'] as {
    required: string[];
    properties: Record<string, unknown>;
  };
  expect(request.required.sort()).toEqual(['agent', 'goal', 'repository']);
  expect(request.properties).toHaveProperty('checks');
});

test('the page renders from files of ours alone', async () => {
  const page = await (await fetch(`${api.url}/docs`)).text();
  expect(page).not.toMatch(/https?:\/\//);
  expect(page).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=/);
});
