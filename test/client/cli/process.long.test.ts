/** `main.ts` as people and scripts start it. What each command does is tested in the files beside this one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sessionSchema } from '../../../client/schemas/session.ts';
import { loadConfig } from '../../../temporal/config.ts';
import { lockStack } from '../../../workers/stack/state.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { environmentOf, runProcess } from '../helpers/cli.ts';
import { ended, seed, tell, waiting } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi(fakeWorkflows());
});
afterAll(() => api.close());
const run = (...args: string[]) => runProcess(environmentOf(api), args);

test('create, wait and view: JSON on standard output and nothing else, codes as promised', async () => {
  const created = await run('session', 'create', '--repo', '/repo', '--goal', 'x', '--command', 'y', '--json');
  const { id } = sessionSchema.parse(JSON.parse(created.stdout));
  expect(created.code).toBe(0);
  const waiting = run('session', 'wait', id, '--for', 'end', '--timeout', '20', '--json');
  await tell(api.store, id, 'session.ended', { ...ended, status: 'refused', outcome: 'policy_denied' });
  expect(await waiting).toMatchObject({ code: 3 });
  expect(JSON.parse((await run('session', 'view', id, '--json')).stdout)).toMatchObject({ outcome: 'policy_denied' });
});

test('usage errors, and an environment that cannot be used', async () => {
  expect(await run('session', 'veiw')).toMatchObject({ code: 2, stdout: '' });
  const wrong = await runProcess({ ...environmentOf(api), AAS_API_PORT: 'http' }, ['session', 'list']);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toContain('AAS_API_PORT');
});

test('the token of the file, and the address of the running stack, are found', async () => {
  await writeFile(join(api.home, 'token'), `${api.token}\n`);
  await chmod(join(api.home, 'token'), 0o600);
  const stack = { pid: process.pid, api: { url: api.url }, temporal: { address: 'x' }, container: { host: 'x' } };
  await mkdir(join(api.home, 'run'));
  await writeFile(join(api.home, 'run', 'stack.json'), JSON.stringify(stack));
  expect(await runProcess({ AAS_HOME: api.home }, ['session', 'list', '--json'])).toMatchObject({ code: 0 });
});

describe('the stack, from a home of its own', () => {
  const home = () => join(api.home, 'other');
  const environment = () => ({ AAS_HOME: home() });

  test('down: one document, also when there is nothing to stop', async () => {
    expect(await runProcess(environment(), ['down', '--json'])).toMatchObject({
      code: 0,
      stdout: '{"running":false,"stopped":false}\n',
    });
  });

  test('up while one runs: nothing on standard output, and the log of that one stays', async () => {
    const config = loadConfig(environment());
    const log = join(config.paths.run, 'stack.log');
    const unlock = lockStack(config);
    try {
      await writeFile(log, 'what it said\n');
      const second = await runProcess(environment(), ['up', '--detach', '--json']);
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expect(second.stderr).toMatch(/^error: The stack of .* is starting or stopping\. See it with/);
      expect(await readFile(log, 'utf8')).toMatch(/^what it said\nerror: The stack of /);
    } finally {
      unlock?.();
    }
  });

  test('a worker beside it goes to its Temporal', async () => {
    const places = { api: { url: api.url }, temporal: { address: '127.0.0.1:1' }, container: { host: 'x' } };
    const { paths } = loadConfig(environment());
    await mkdir(paths.run, { recursive: true });
    await writeFile(join(paths.run, 'stack.json'), JSON.stringify({ pid: process.pid, ...places }));
    const { code, stderr } = await runProcess({ ...environment(), CAPABILITIES: 'source' }, ['worker']);
    expect(code).toBe(1);
    expect(stderr).toContain('Temporal does not answer at 127.0.0.1:1.');
  });
});

test('a reader that leaves early is no failure', async () => {
  const id = await seed(api.store, ended);
  await api.logs.append(id, 'round-1', 0, Buffer.alloc(1024 * 1024, 'x\n'));
  const main = fileURLToPath(new URL('../../../client/cli/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'session', 'logs', id], {
    env: { PATH: process.env['PATH'] ?? '', ...environmentOf(api) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'readable');
  child.stdout.destroy();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test.each([
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
])('%s at a question decides nothing', async (_key, pressed) => {
  const id = await seed(api.store, waiting());
  const main = fileURLToPath(new URL('../../../client/cli/main.ts', import.meta.url));
  const lend = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
  const child = spawn('python3', ['-c', lend, process.execPath, main, 'approve', id], {
    env: { PATH: process.env['PATH'] ?? '', ...environmentOf(api) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let shown = '';
  child.stdout.on('data', (bytes: Buffer) => {
    const asked = shown.includes('[y/N]');
    shown += bytes.toString();
    if (!asked && shown.includes('[y/N]')) child.stdin.write(pressed);
  });
  try {
    expect(await closed).toEqual([1, null]);
    expect(shown).toContain('Nothing was decided');
  } finally {
    // Takes the terminal away from whom it was lent to.
    child.kill();
  }
});

test('Ctrl-C ends a stream, and says nothing wrong', async () => {
  const id = await seed(api.store);
  const main = fileURLToPath(new URL('../../../client/cli/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'session', 'events', id, '--follow', '--json'], {
    env: { PATH: process.env['PATH'] ?? '', ...environmentOf(api) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'readable');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
