/** The doctor looks at a home of the test's own, and at engines that answer what the test wants. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createKeys } from '../../../artifacts/keys.ts';
import { freePort } from '../../../temporal/free-port.ts';
import type { Result } from '../../../client/cli/doctor/check.ts';
import { ownPodman } from '../../../client/cli/doctor/engine.ts';
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
  engine = createServer(answer);
  await new Promise<void>((resolve) => engine.listen(join(home, 'engine.sock'), resolve));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await new Promise((resolve) => engine.close(resolve));
  await rm(home, { recursive: true });
});

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  response.writeHead(url in answers ? 200 : 404).end(JSON.stringify(answers[url] ?? {}));
}

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

test('an engine that does not listen at a socket is none, though it answers: `up` refuses it', async () => {
  const remote = createServer(answer);
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve));
  try {
    const host = `tcp://127.0.0.1:${(remote.address() as AddressInfo).port}`;
    const { code, of } = await doctor({ AAS_CONTAINER_HOST: '', DOCKER_HOST: host });
    expect(code).toBe(1);
    expect(of('engine')).toMatchObject({
      status: 'fail',
      found: `${host} is not on this machine, where worktrees are`,
      fix: expect.stringContaining('AAS_CONTAINER_HOST=unix:///') as string,
    });
  } finally {
    remote.closeAllConnections();
    remote.close();
  }
});

const podman = ['/usr/bin/podman', '/usr/sbin/runc', '/usr/sbin/mkfs.ext4', '/usr/bin/tini-static'];
const apt = 'sudo apt-get install -y podman runc uidmap tini e2fsprogs iptables';
const dnf = 'sudo dnf install -y podman runc shadow-utils tini-static e2fsprogs iptables';

test.each([
  ['Debian and Ubuntu', '/usr/bin/apt-get', apt],
  ['Fedora', '/usr/bin/dnf', dnf],
  ['another system', '/usr/bin/other', `${apt}   (Fedora: ${dnf})`],
])('without an engine, the exact command for %s', async (_system, manager, command) => {
  expect(await ownPodman(async (path) => path === manager)).toEqual({
    status: 'fail',
    found: 'none',
    fix: `${command}   (or start Docker)`,
  });
});

test('Podman without what `aas up` needs of it is not enough', async () => {
  expect(await ownPodman(async (path) => podman.includes(path))).toMatchObject({ status: 'ok' });
  for (const lacking of podman.slice(1)) {
    const { status, found, fix } = await ownPodman(async (path) => path !== lacking && podman.includes(path));
    expect({ status, found }).toEqual({
      status: 'fail',
      found: expect.stringMatching(`not complete: .*${basename(lacking)} missing`) as string,
    });
    expect(fix).toContain(apt);
  }
});

test('without root it says what the sandbox says is weaker', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  vi.resetModules();
  const { weaknesses } = await import('../../../activities/ports/sandbox/worktree.ts');
  const look = (await doctor()).of('loop mounts');
  expect(look).toMatchObject({ status: 'warn', fix: expect.stringContaining('sudo bin/aas up') as string });
  expect([look?.found]).toEqual(weaknesses);
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
