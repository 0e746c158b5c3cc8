import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exampleFix, exampleGoal, withExample, withPatched } from '../helpers/example.ts';
import type { WorkingCopy } from '../helpers/example.ts';
import { withStack } from '../helpers/stack.ts';
import type { Stack } from '../helpers/stack.ts';

const job = (repository: WorkingCopy, command = exampleFix) => [
  ...['--repo', repository.path, '--base', 'main', '--goal', exampleGoal],
  ...['--agent', 'command', '--command', command],
];

/** Prints a line each tenth of a second for three seconds, then mends the defect. */
const slowFix = `for i in $(seq 1 30); do echo "line $i"; sleep 0.1; done; ${exampleFix}`;

async function kill(stack: Stack, name: string): Promise<void> {
  const pid = await stack.pid(name);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => stack.pid(name), { timeout: 20_000 }).not.toBe(pid);
}

async function output(stack: Stack, id: string): Promise<string[]> {
  const { stdout } = await stack.aas('session', 'logs', id);
  return stdout.split('\n').filter((line) => line.startsWith('line '));
}

/** What every killed session must come to: the same patch, promoted once, that mends the repository. */
async function expectPromotedOnce(stack: Stack, repository: WorkingCopy, id: string): Promise<void> {
  expect(await stack.wait(id, 'end')).toMatchObject({ status: 'finished', outcome: 'promoted' });
  expect((await readdir(join(stack.home, 'promoted'))).filter((name) => name.includes(id))).toEqual([`${id}.patch`]);
  const events = (await stack.events(id)).map(({ type }) => type);
  expect(events.filter((type) => type === 'promotion.done')).toHaveLength(1);
  const { stdout: patch } = await stack.aas('session', 'patch', id);
  await withPatched(repository, patch, async (clone) => {
    expect(clone.run('python3', '-m', 'unittest').code).toBe(0);
    expect(clone.git('diff', '--stat', 'HEAD~1').trim()).toMatch(/1 file changed, 1 insertion\(\+\), 1 deletion\(-\)$/);
  });
  expect((await stack.aas('audit', 'verify')).code).toBe(0);
  // Sooner than the reaper would look for what nobody attends.
  await expect.poll(() => stack.containers(), { timeout: 5_000 }).toEqual([]);
}

describe('SIGKILL', () => {
  test('of the hands worker in a run: the same container goes on and no line is missed', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository, slowFix));
        await expect.poll(() => output(stack, id), { timeout: 30_000 }).toContain('line 3');
        expect((await stack.view(id)).round).toMatchObject({ number: 1, verdict: null });
        await kill(stack, 'hands');
        await stack.approve(id);
        expect(await output(stack, id)).toEqual(Array.from({ length: 30 }, (_, i) => `line ${i + 1}`));
        expect((await stack.view(id)).round).toMatchObject({ number: 1, placement: 1 });
        await expectPromotedOnce(stack, repository, id);
      });
    });
  });

  test('of the control worker at a gate', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository));
        await stack.wait(id, 'gate');
        await kill(stack, 'control');
        await stack.approve(id);
        await expectPromotedOnce(stack, repository, id);
      });
    });
  });

  test('of the validator in a check', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository), '--check', 'slow: sleep 3');
        const validating = async () => (await stack.view(id)).detail;
        await expect.poll(validating, { timeout: 30_000 }).toBe('validating');
        await kill(stack, 'validate');
        await stack.approve(id);
        await expectPromotedOnce(stack, repository, id);
      });
    });
  });

  test('of the promoter, asked to promote', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository));
        await stack.wait(id, 'gate');
        const promoter = await stack.pid('promote');
        // It has the step, and dies with it: it is stopped before, and killed once its turn is on record.
        process.kill(promoter, 'SIGSTOP');
        await stack.approve(id);
        const intended = async () => (await stack.events(id)).some(({ type }) => type === 'promotion.intended');
        await expect.poll(intended, { timeout: 20_000 }).toBe(true);
        process.kill(promoter, 'SIGKILL');
        await expectPromotedOnce(stack, repository, id);
      });
    });
  });

  test('of the Temporal server, its database kept', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository));
        await stack.wait(id, 'gate');
        await kill(stack, 'temporal');
        expect((await stack.view(id)).gate?.id).toBe('approval-1');
        // It counts once, however often it is sent; an answer may be lost with the server.
        const decided = async () => {
          await stack.aas('approve', id);
          return (await stack.events(id)).some(({ type }) => type === 'gate.decided');
        };
        await expect.poll(decided, { timeout: 60_000 }).toBe(true);
        await expectPromotedOnce(stack, repository, id);
      });
    });
  });
});

test('a host that is lost: the round moves, and the old host’s container is reaped', async () => {
  await withExample(async (repository) => {
    await withStack(async (stack) => {
      const id = await stack.create(...job(repository, slowFix));
      await expect.poll(() => output(stack, id), { timeout: 30_000 }).toContain('line 3');
      await stack.withoutSupervisor(async () => {
        process.kill(await stack.pid('hands'), 'SIGKILL');
        await stack.withWorker({ CAPABILITIES: 'sandbox', HOST_ID: 'second' }, async () => {
          await stack.approve(id);
          expect((await stack.view(id)).round).toMatchObject({ placement: 2, hostId: 'second' });
          await expectPromotedOnce(stack, repository, id);
        });
        // The lost host's reaper is a process of its own: it removes what nobody attends any more.
        await expect.poll(() => stack.containers(), { timeout: 30_000 }).toEqual([]);
      });
    });
  });
});
