/** The doctor looks at a home of the test's own, and at engines that answer what the test wants. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeys } from '../../../artifacts/keys.ts';
import { freePort } from '../../../temporal/free-port.ts';
import type { Result } from '../../../client/cli/doctor/check.ts';
import { runHere } from '../helpers/cli.ts';

let home: string;
let engine: Server;
let answers: Record<string, unknown>;
const info = {
  ServerVersion: '27.0.0',
  SecurityOptions: ['name=seccomp,profile=builtin', 'name=userns'],
  CgroupVersion: '2',
  CgroupDriver: 'systemd',
  MemoryLimit: true,
  PidsLimit: true,
};

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'aas-doctor-'));
  answers = { '/info': info, '/version': { Components: [{ Name: 'Engine' }] }, '/images/aas-sandbox%3A1/json': {} };
  engine = createServer((req, res) => {
    const answer = answers[req.url ?? ''];
    res.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => engine.listen(join(home, 'engine.sock'), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => engine.close(resolve));
  await rm(home, { recursive: true });
});

async function doctor(environment: Record<string, string> = {}) {
  const port = String(await freePort());
  const ran = await runHere(
    {
      AAS_HOME: home,
      AAS_CONTAINER_HOST: `unix://${join(home, 'engine.sock')}`,
      AAS_TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
      AAS_API_PORT: port,
      ...environment,
    },
    ['doctor', '--json'],
  );
  const { checks, ok } = JSON.parse(ran.stdout) as { ok: boolean; checks: (Result & { name: string })[] };
  return { code: ran.code, ok, of: (name: string) => checks.find((check) => check.name === name) };
}

test('an engine that isolates well', async () => {
  const { of } = await doctor();
  expect(of('engine')).toMatchObject({ status: 'ok', found: expect.stringContaining('Docker 27.0.0') as string });
  for (const name of ['cgroups', 'seccomp', 'user namespaces', 'sandbox image'])
    expect(of(name)).toMatchObject({ status: 'ok', fix: null });
});

test.each([
  ['no seccomp', { ...info, SecurityOptions: [] }, 'seccomp', 'fail'],
  ['no memory limit', { ...info, MemoryLimit: false }, 'cgroups', 'fail'],
  ['root in containers is root', { ...info, SecurityOptions: ['name=seccomp'] }, 'user namespaces', 'warn'],
])('%s', async (_what, changed, name, status) => {
  answers['/info'] = changed;
  const { code, ok, of } = await doctor();
  expect(of(name)).toMatchObject({ status, fix: expect.any(String) as string });
  if (status === 'fail') expect({ code, ok }).toEqual({ code: 1, ok: false });
});

test('a configured engine that does not answer is missing, and its name is said', async () => {
  const { code, of } = await doctor({ AAS_CONTAINER_HOST: 'unix:///none.sock' });
  expect(code).toBe(1);
  expect(of('engine')).toMatchObject({ status: 'fail', found: expect.stringContaining('/none.sock') as string });
});

test('Podman is told from Docker', async () => {
  answers['/version'] = { Components: [{ Name: 'Podman Engine' }] };
  expect((await doctor()).of('engine')?.found).toContain('Podman');
});

test('a secret that others can read fails, with the command that mends it', async () => {
  createKeys(join(home, 'keys'));
  await writeFile(join(home, 'token'), 'secret');
  await chmod(join(home, 'token'), 0o640);
  await chmod(join(home, 'keys', 'api', 'key.pem'), 0o644);
  const { code, of } = await doctor();
  expect(code).toBe(1);
  expect(of('token')).toMatchObject({ status: 'fail', fix: `chmod 600 ${join(home, 'token')}` });
  expect(of('keys')).toMatchObject({ status: 'fail', fix: `chmod 600 ${join(home, 'keys', 'api', 'key.pem')}` });
});

test('what does not run yet is no failure, and how to start it is said', async () => {
  const { of } = await doctor();
  for (const name of ['temporal server', 'api', 'store'])
    expect(of(name)).toMatchObject({ status: 'warn', fix: 'aas up --detach' });
});

test('it changes nothing: a home that is not there stays away', async () => {
  const missing = join(home, 'not', 'there');
  expect((await doctor({ AAS_HOME: missing })).of('disk')?.status).not.toBe(undefined);
  await expect(mkdir(missing)).rejects.toThrow('ENOENT');
});
