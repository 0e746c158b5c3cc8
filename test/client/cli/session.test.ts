/** What the commands do, against a real API. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../artifacts/digest.ts';
import { OperationError } from '../../../client/operations/errors.ts';
import { sessionSchema } from '../../../client/schemas/session.ts';
import type { SignedDecision } from '../../../temporal/contract/messages.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { aas as aasOf, environmentOf, runHere } from '../helpers/cli.ts';
import { ended, gate, seed, tell, waiting } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

const workflows = fakeWorkflows();
let api: TestApi;
let folder: string;
const aas = aasOf(() => api);
beforeAll(async () => {
  api = await startApi(workflows);
  folder = await mkdtemp(join(tmpdir(), 'aas-cli-'));
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  workflows.started.length = 0;
  workflows.decided.length = 0;
  workflows.refusal = null;
  workflows.up = true;
});

const create = ['session', 'create', '--repo', '/repo', '--goal', 'Fix it', '--command', './fix.sh "a b"'];
const requestOf = async (digest: `sha256:${string}` | undefined) =>
  JSON.parse((await api.artifacts.get(digest ?? sha256(''))).toString()) as Record<string, unknown>;

describe('session create', () => {
  test('prints the id, and nothing else on standard output', async () => {
    const { code, stdout, stderr } = await aas(
      ...create,
      '--check',
      'unit: npm test',
      '--check',
      'npm run lint',
      '--paths',
      'src/**',
      '--mode',
      'branch',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^s-[0-9a-z]{16}\n$/);
    expect(stderr).toContain(`aas session events ${stdout.trim()} --follow`);
    expect(await requestOf(workflows.started[0]?.request.digest)).toMatchObject({
      repository: '/repo',
      base: 'HEAD',
      agent: { name: 'command', argv: ['sh', '-c', './fix.sh "a b"'] },
      checks: [
        { id: 'unit', argv: ['sh', '-c', 'npm test'] },
        { id: 'check-2', argv: ['sh', '-c', 'npm run lint'] },
      ],
      paths: ['src/**'],
      promotion: { mode: 'branch' },
    });
  });

  test('--json is one document with every key', async () => {
    const { code, stdout } = await aas(...create, '--json');
    expect(code).toBe(0);
    expect(sessionSchema.parse(JSON.parse(stdout))).toMatchObject({ status: 'queued', goal: 'Fix it' });
  });

  test('a path is relative to where one stands, and in a job file to the file', async () => {
    await writeFile(
      join(folder, 'job.yaml'),
      'repository: ../elsewhere\ngoal: From a file\nagent: { argv: [make, fix] }\n',
    );
    await runHere(environmentOf(api), ['session', 'create', '--repo', '.', '--goal', 'x', '--command', 'y'], {
      directory: folder,
    });
    await runHere(environmentOf(api), ['session', 'create', '--job', join(folder, 'job.yaml'), '--goal', 'Overridden']);
    expect(workflows.started.map(({ repository, goal }) => [repository, goal])).toEqual([
      [folder, 'x'],
      [join(folder, '..', 'elsewhere'), 'Overridden'],
    ]);
  });

  test('the same key twice is one session', async () => {
    const first = await aas(...create, '--idempotency-key', 'cli-1');
    expect((await aas(...create, '--idempotency-key', 'cli-1')).stdout).toBe(first.stdout);
    expect(await aas(...create, '--base', 'other', '--idempotency-key', 'cli-1')).toMatchObject({
      code: 2,
      stdout: '',
    });
  });

  test('while Temporal is away it succeeds, and says that it is kept', async () => {
    workflows.up = false;
    const { code, stdout, stderr } = await aas(...create);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^s-/);
    expect(stderr).toContain('kept');
  });

  test.each([
    ['no goal', ['--repo', '.', '--command', 'x'], '--goal'],
    ['no command', ['--repo', '.', '--goal', 'x'], '--command'],
    ['no repository', ['--goal', 'x', '--command', 'x'], '--repo'],
    ['a job file that is not there', ['--job', '/none.yaml'], '/none.yaml'],
    ['a goal of nothing', ['--repo', '.', '--goal', ' ', '--command', 'x'], '/goal'],
    ['an agent that has no name', ['--repo', '.', '--goal', 'x', '--command', 'x', '--agent', 'A B'], '/agent/name'],
  ])('%s is a usage error', async (_what, args, words) => {
    const { code, stdout, stderr } = await aas('session', 'create', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(workflows.started).toEqual([]);
  });

  test('a job file with an unknown or doubled key is refused', async () => {
    await writeFile(join(folder, 'bad.yaml'), 'repository: .\ngoal: x\nagent: { argv: [x] }\nchekcs: []\n');
    expect((await aas('session', 'create', '--job', join(folder, 'bad.yaml'))).stderr).toContain('chekcs');
    await writeFile(join(folder, 'twice.yaml'), 'goal: x\ngoal: y\n');
    expect(await aas('session', 'create', '--job', join(folder, 'twice.yaml'))).toMatchObject({ code: 2 });
  });
});

describe('exit codes of waiting', () => {
  test.each([
    ['finished', ended, 0],
    ['no change', { ...ended, outcome: 'no_change' }, 0],
    ['refused', { ...ended, status: 'refused', outcome: 'policy_denied' }, 3],
    ['rejected', { ...ended, status: 'refused', outcome: 'rejected' }, 3],
    ['failed', { ...ended, status: 'failed', outcome: null }, 1],
    ['cancelled', { ...ended, status: 'cancelled', outcome: null }, 1],
  ] as const)('%s', async (_what, change, code) => {
    const id = await seed(api.store, change);
    expect((await aas('session', 'wait', id, '--for', 'end', '--json')).code).toBe(code);
    expect((await aas('session', 'wait', id, '--for', 'gate', '--json')).code).toBe(code);
  });
  test('an open gate is what was waited for', async () => {
    const { code, stdout } = await aas('session', 'wait', await seed(api.store, waiting()), '--for', 'gate', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ gate: { id: 'approval-1' } });
  });
  test('nothing in time is 5', async () => {
    const { code, stderr } = await aas('session', 'wait', await seed(api.store), '--for', 'end', '--timeout', '0.1');
    expect(code).toBe(5);
    expect(stderr).toContain('the session goes on');
  });
  test('create --wait answers with the end', async () => {
    const running = aas(...create, '--wait', 'end', '--json');
    await expect.poll(() => workflows.started.length, { timeout: 10_000 }).toBe(1);
    await tell(api.store, workflows.started[0]?.sessionId ?? '', 'session.ended', {
      ...ended,
      status: 'refused',
      outcome: 'rejected',
    });
    const { code, stdout } = await running;
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'rejected' });
  });
});

describe('not let in', () => {
  test('a wrong token is 4', async () => {
    const { code, stderr } = await runHere({ ...environmentOf(api), AAS_TOKEN: 'aas_wrong' }, ['session', 'list']);
    expect(code).toBe(4);
    expect(stderr).toContain('not known here');
  });
  test('no token is 4', async () => {
    const environment = { AAS_HOME: folder, AAS_API_URL: api.url };
    expect(await runHere(environment, ['session', 'list'])).toMatchObject({ code: 4 });
    await writeFile(join(folder, 'token'), api.token, { mode: 0o644 });
    const open = await runHere(environment, ['session', 'list']);
    expect(open.code).toBe(4);
    expect(open.stderr).toContain('chmod 600');
  });
  test('no API is 1, and says how to start one', async () => {
    const { code, stderr } = await runHere({ ...environmentOf(api), AAS_API_URL: 'http://127.0.0.1:9' }, [
      'session',
      'list',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('aas up');
  });
});

describe('looking', () => {
  test('list and view', async () => {
    const id = await seed(api.store, waiting());
    expect((await aas('session', 'list')).stdout).toContain(`${id}  waiting: approval`);
    const { stdout, stderr } = await aas('session', 'view', id);
    expect(stdout).toContain('waiting: approval');
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toContain(`Next: aas approve ${id}`);
    expect(sessionSchema.parse(JSON.parse((await aas('session', 'view', id, '--json')).stdout)).id).toBe(id);
  });
  test('a session that is not there', async () => {
    expect(await aas('session', 'view', 's-0000000000000000', '--json')).toMatchObject({ code: 1, stdout: '' });
  });
  test('patch gives the bytes as they are', async () => {
    const bytes = Buffer.from([0, 255, 13, 10]);
    const { digest } = await api.artifacts.put(bytes, 'text/x-patch');
    const id = await seed(api.store, { candidate: { digest, bytes: 4, files: [] } });
    const { stdout } = await aas('session', 'patch', id, '--json');
    expect((JSON.parse(stdout) as { patch: string }).patch).toBe(bytes.toString('base64'));
    expect(await aas('session', 'patch', await seed(api.store))).toMatchObject({ code: 1, stdout: '' });
  });
  test('events as lines of JSON, followed to the end', async () => {
    const id = await seed(api.store);
    const following = aas('session', 'events', id, '--follow', '--json');
    await tell(api.store, id, 'gate.opened', waiting());
    await tell(api.store, id, 'session.ended', ended);
    const { code, stdout } = await following;
    expect(code).toBe(0);
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['session.requested', 'gate.opened', 'session.ended']);
    expect((await aas('session', 'events', id, '--json')).stdout).toBe(stdout);
  });
  test('logs as they were printed', async () => {
    const id = await seed(api.store, ended);
    await api.logs.append(id, 'round-1', 0, Buffer.from('one\ntw'));
    await api.logs.append(id, 'round-1', 1, Buffer.from('o\n'));
    expect(await aas('session', 'logs', id)).toMatchObject({ code: 0, stdout: 'one\ntwo\n', stderr: '== round-1\n' });
    expect((await aas('session', 'logs', id, '--follow', '--stream', 'round-1')).stdout).toBe('one\ntwo\n');
  });
  test('cancel says what really happened', async () => {
    const { code, stdout } = await aas('session', 'cancel', await seed(api.store, ended));
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('had ended already: promoted') as string,
    });
  });
});

describe('deciding', () => {
  test('approve binds the subject that the session shows', async () => {
    const id = await seed(api.store, waiting());
    expect(await aas('approve', id)).toMatchObject({ code: 0, stdout: `${id}  approval-1: approve counts\n` });
    expect(workflows.decided[0]?.decision.decision).toMatchObject({
      kind: 'approve',
      gate: 'approval-1',
      subject: sha256('subject'),
    });
  });
  test('approve --subject refuses another one', async () => {
    const id = await seed(api.store, waiting());
    expect(await aas('approve', id, '--subject', sha256('old'))).toMatchObject({ code: 1, stdout: '' });
    expect(workflows.decided).toEqual([]);
  });
  test('approve --print sends nothing and prints what the Signal takes', async () => {
    const id = await seed(api.store, waiting());
    const { code, stdout, stderr } = await aas('approve', id, '--print');
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as SignedDecision).decision).toMatchObject({ session: id, kind: 'approve' });
    expect(stderr).toContain('decideSignal');
    expect(workflows.decided).toEqual([]);
  });
  test('reject, retry, amend', async () => {
    const id = await seed(api.store, waiting());
    await writeFile(join(folder, 'mine.patch'), 'diff --git a/a b/a\n');
    await aas('reject', id, '--reason', 'no');
    await aas('retry', id, '--note', 'smaller', '--fresh', '--agent', 'other');
    await aas('amend', id, '--patch', join(folder, 'mine.patch'), '--note', 'by hand');
    expect(workflows.decided.map(({ decision: { decision } }) => decision)).toMatchObject([
      { kind: 'reject', reason: 'no' },
      { kind: 'retry', note: 'smaller', fresh: true, agent: 'other' },
      { kind: 'amend', note: 'by hand', patch: { digest: sha256('diff --git a/a b/a\n') } },
    ]);
  });
  test('what a gate does not offer is refused: 3', async () => {
    const id = await seed(api.store, waiting(gate({ offers: ['amend', 'reject'] })));
    expect(await aas('retry', id, '--note', 'x')).toMatchObject({ code: 3, stdout: '' });
  });
  test('a decision that does not count is refused: 3', async () => {
    workflows.refusal = new OperationError('decision.invalid', 'ada asked for it', { next: 'Ask somebody else' });
    const { code, stderr } = await aas('approve', await seed(api.store, waiting()));
    expect(code).toBe(3);
    expect(stderr).toContain('Ask somebody else');
  });
  test('nothing waits: 1', async () => {
    expect(await aas('approve', await seed(api.store))).toMatchObject({ code: 1, stdout: '' });
  });
});
