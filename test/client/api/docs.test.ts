/** The page of /docs, run over the real description in as little of a browser as it needs. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

class FakeElement {
  textContent = '';
  readonly attributes = new Map<string, string>();
  readonly children: (FakeElement | string)[] = [];
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }
  append(...children: (FakeElement | string)[]): void {
    this.children.push(...children);
  }
  /** Everything a reader sees. */
  text(): string {
    return [this.textContent, ...this.children.map((child) => (typeof child === 'string' ? child : child.text()))].join(
      ' ',
    );
  }
  ids(): string[] {
    const own = this.attributes.get('id');
    return [
      ...(own === undefined ? [] : [own]),
      ...this.children.flatMap((child) => (typeof child === 'string' ? [] : child.ids())),
    ];
  }
}

let api: TestApi;
beforeAll(async () => {
  api = await startApi(fakeWorkflows());
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await api.close();
});

const script: string = '../../../client/api/docs/docs.js';

test('it shows every operation and every schema', async () => {
  const places = new Map(['about', 'first', 'contents', 'operations'].map((id) => [id, new FakeElement()]));
  vi.stubGlobal('document', { createElement: () => new FakeElement(), getElementById: (id: string) => places.get(id) });
  vi.stubGlobal('location', { origin: api.url, hash: '' });
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (path: string) => fetch(`${api.url}${path}`));
  await import(script);
  vi.unstubAllGlobals();

  const description = (await (await api.get('/openapi.json')).json()) as { components: { schemas: object } };
  const page = places.get('operations') ?? new FakeElement();
  expect(page.ids()).toEqual(
    expect.arrayContaining([...api.routes.map(({ id }) => id), ...Object.keys(description.components.schemas)]),
  );
  for (const { path, summary } of api.routes)
    expect(page.text().replaceAll(/\s+/g, ' ')).toContain(`${path} ${summary}`);
  expect(page.text()).not.toMatch(/undefined|\[object/);
  expect(places.get('first')?.textContent).toContain(api.url);
});
