/** On a terminal: a person sees what it is about, and is asked. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { environmentOf, runHere } from '../helpers/cli.ts';
import { gate, seed, waiting } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';
import type { FakeWorkflows } from '../helpers/workflows.ts';

let workflows: FakeWorkflows;
let api: TestApi;
beforeEach(async () => {
  workflows = fakeWorkflows();
  api = await startApi(workflows);
});
afterEach(() => api.close());

async function approve(id: string, answer: string) {
  const person = { answer, asked: [] };
  const { code, stdout } = await runHere(environmentOf(api), ['approve', id], { person });
  return { code, asked: person.asked, stdout };
}

async function session() {
  const body = Buffer.from('---\ndiff --git a/a b/a\n+round(x, 2)\u001b[2J\n').toString('base64');
  const mail = `From 1 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] Round\nContent-Transfer-Encoding: base64\n\n${body}\n`;
  const { digest, bytes } = await api.artifacts.put(Buffer.from(mail), 'text/x-patch');
  const check = {
    name: 'unit',
    argv: ['x'],
    image: 'i',
    verdict: 'exited',
    exitCode: 0,
    durationMs: 1200,
    logDigest: null,
  } as const;
  return seed(api.store, {
    ...waiting(gate()),
    candidate: { digest, bytes, files: [] },
    validation: { verdict: 'pass', baseCommit: '0'.repeat(40), checks: [check], report: digest },
  });
}

test('the change is shown as text, and the checks, before the question', async () => {
  const id = await session();
  const { code, asked, stdout } = await approve(id, 'y');
  expect(code).toBe(0);
  expect(asked).toEqual([`Approve approval-1 of ${id}? [y/N] `]);
  expect(stdout).toMatch(/\+round\(x, 2\)[\s\S]*✓ unit {2}exit 0 {2}1\.2s[\s\S]*counts/);
  expect(workflows.decided).toHaveLength(1);
});

test('what the change says cannot act on the terminal', async () => {
  expect((await approve(await session(), 'n')).stdout).not.toContain('\u001b');
});

test.each(['', 'n', 'no', 'maybe', 'yikes'])('anything but yes decides nothing (%j)', async (answer) => {
  const { code } = await approve(await session(), answer);
  expect(code).toBe(1);
  expect(workflows.decided).toEqual([]);
});
