import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeys, loadPublicKeys, loadSigner, roles } from '../../artifacts/keys.ts';
import { loadConfig } from '../../temporal/config.ts';
import { processTable } from '../../workers/stack/process-table.ts';

const places = {
  temporal: { address: '127.0.0.1:1', ui: 'http://localhost:2' },
  api: { port: 3, url: 'http://localhost:3' },
  container: { host: 'unix:///engine.sock' },
};
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'table-'));
  createKeys(join(home, 'keys'));
});
afterEach(() => rmSync(home, { recursive: true }));

const tableOf = (environment: NodeJS.ProcessEnv = {}) =>
  new Map(
    processTable(loadConfig({ AAS_HOME: home, AAS_TOKEN: 'aas_secret', ...environment }), places).map((spec) => [
      spec.name,
      spec,
    ]),
  );

test('every process of the design runs, under the capability it is for', () => {
  const capabilities = [...tableOf()].map(([name, { env }]) => [name, env['CAPABILITIES']]);
  expect(capabilities).toEqual([
    ['api', undefined],
    ['control', 'control'],
    ['source', 'source'],
    ['hands', 'sandbox'],
    ['validate', 'validate'],
    ['promote', 'promote'],
    ['reaper', undefined],
  ]);
});

test('only those who run containers know the engine, and only the api knows its token', () => {
  const table = [...tableOf()];
  const knowing = (text: string) =>
    table.filter(([, { env }]) => Object.values(env).some((value) => value.includes(text))).map(([name]) => name);
  expect(knowing('engine.sock')).toEqual(['hands', 'validate', 'reaper']);
  expect(knowing('aas_secret')).toEqual(['api']);
});

test('each sees its own private keys, and all see the public ones', () => {
  const own = { api: ['api'], control: ['audit', 'control'], validate: ['validator'], promote: ['promoter'] } as Record<
    string,
    string[]
  >;
  for (const [name, { env }] of tableOf()) {
    const view = env['AAS_KEYS'] ?? '';
    expect([name, readdirSync(view).sort()]).toEqual([name, [...(own[name] ?? []), 'public'].sort()]);
    expect(loadPublicKeys(view).size).toBe(roles.length);
  }
  expect(Object.values(own).flat().sort()).toEqual([...roles].sort());
  expect(loadSigner(tableOf().get('validate')?.env['AAS_KEYS'] ?? '', 'validator').role).toBe('validator');
});

test('each exports its metrics on a port of its own, and none unless asked', () => {
  const ports = [...tableOf({ AAS_METRICS_PORT: '9100' }).values()].map(({ env }) => env['AAS_METRICS_PORT']);
  expect(new Set(ports).size).toBe(7);
  expect(ports[0]).toBe('9100');
  expect([...tableOf().values()].every(({ env }) => !('AAS_METRICS_PORT' in env))).toBe(true);
});
