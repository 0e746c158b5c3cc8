/** `aas audit`, against a real API: what a person keeps elsewhere, and what it is good for. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { aas as aasOf } from '../helpers/cli.ts';
import { job, seed, tell } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

let api: TestApi;
let file: string;
const aas = aasOf(() => api);
beforeEach(async () => {
  api = await startApi(fakeWorkflows());
  file = join(api.home, 'audit.jsonl');
  await seed(api.store, { status: 'running' }, { status: 'waiting' });
});
afterEach(() => api.close());

const headOf = (text: string): string => /head (\d+:sha256:[0-9a-f]{64})/.exec(text)?.[1] ?? expect.fail(text);

async function exportToFile(): Promise<{ lines: string[]; head: string }> {
  const { code, stdout, stderr } = await aas('audit', 'export');
  expect(code).toBe(0);
  await writeFile(file, stdout);
  return { lines: stdout.split('\n').slice(0, -1), head: headOf(stderr) };
}

test('export and verify, also of a file alone', async () => {
  const { lines, head } = await exportToFile();
  for (const where of [[], ['--file', file]]) {
    const { code, stdout } = await aas('audit', 'verify', ...where);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `intact  3 records, head ${head}\n` });
    const asJson = JSON.parse((await aas('audit', 'verify', ...where, '--json')).stdout) as Record<string, unknown>;
    expect(asJson).toEqual({ kind: 'intact', records: 3, head: head.slice(2) });
  }
  await writeFile(file, `${lines.join('\n').replace('session.requested', 'session.requestet')}\n`);
  const altered = await aas('audit', 'verify', '--file', file);
  expect(altered.code).toBe(1);
  expect(altered.stdout).toMatch(/broken .*record 2/);
  expect(await aas('audit', 'verify', '--file', '/none')).toMatchObject({ code: 2 });
});

test('an empty log has no head', async () => {
  await api.close();
  api = await startApi(fakeWorkflows());
  expect((await aas('audit', 'verify')).stdout).toBe('intact  0 records\n');
  expect(await aas('audit', 'export')).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('a goal with line separators of Unicode is exported and verified as it is', async () => {
  await api.post('/api/v1/sessions', { ...job, goal: 'one\u2028two\u2029three' });
  await exportToFile();
  expect(await aas('audit', 'verify', '--file', file)).toMatchObject({ code: 0 });
});

test('a tail that was cut off shows against a head that was kept, and only then', async () => {
  const id = await seed(api.store);
  await tell(api.store, id, 'test.step');
  const { head, lines } = await exportToFile();
  expect(headOf((await aas('audit', 'verify')).stdout)).toBe(head);
  await tell(api.store, id, 'test.step');
  expect(await aas('audit', 'verify', '--head', head)).toMatchObject({ code: 0 });

  // Whoever cuts it turns the rows back too.
  const database = new DatabaseSync(join(api.home, 'store.sqlite'));
  database.exec('delete from audit_log where sequence > 3');
  database.close();
  await api.store.rebuild();
  await writeFile(file, `${lines.slice(0, 3).join('\n')}\n`);
  for (const where of [[], ['--file', file]]) {
    expect((await aas('audit', 'verify', ...where)).stdout).toContain('intact  3 records');
    const { code, stdout } = await aas('audit', 'verify', ...where, '--head', head);
    expect(code).toBe(1);
    expect(stdout).toContain('broken  at record 4: the log ends at record 3, before the known head 5');
  }
});

test.each(['5', 'sha256:00', `0:sha256:${'0'.repeat(64)}`, `3:sha256:${'0'.repeat(63)}`])(
  'a head that is none (%s) is a usage error, and refused by the API',
  async (head) => {
    for (const where of [[], ['--file', '/none']]) {
      const { code, stderr } = await aas('audit', 'verify', ...where, '--head', head);
      expect(code).toBe(2);
      expect(stderr).toContain('SEQUENCE:sha256:');
    }
    const answer = await api.get(`/api/v1/audit/verify?head=${encodeURIComponent(head)}`);
    expect(answer.status).toBe(422);
  },
);
