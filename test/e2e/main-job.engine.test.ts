import { execFileSync, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { describe, expect, inject, test } from 'vitest';
import { temporalCli } from '../../temporal/cli.ts';
import { loadConfig } from '../../temporal/config.ts';
import { queues, workflowIds } from '../../temporal/contract/messages.ts';
import { exampleFix, exampleGoal, withExample, withPatched } from '../helpers/example.ts';
import type { WorkingCopy } from '../helpers/example.ts';
import { withStack } from '../helpers/stack.ts';
import type { Stack } from '../helpers/stack.ts';

const job = (repository: WorkingCopy, command = exampleFix) => [
  ...['--repo', repository.path, '--base', 'main', '--goal', exampleGoal],
  ...['--agent', 'command', '--command', command],
];

async function deleteWorkflow(stack: Stack, id: string): Promise<void> {
  const cli = temporalCli(loadConfig());
  const address = await stack.temporalAddress();
  const args = ['workflow', 'delete', '--address', address, '--workflow-id', workflowIds.session(id), '--yes'];
  execFileSync(cli, args, { stdio: 'pipe' });
  // The server deletes in its own time.
  const describe = ['workflow', 'describe', ...args.slice(2, 6)];
  const exists = () => spawnSync(cli, describe, { stdio: 'ignore' }).status === 0;
  await expect.poll(exists, { timeout: 90_000, interval: 500 }).toBe(false);
}

describe('a governed change to a real repository', () => {
  test.each([...inject('engines')])('goes from request to a patch that mends it, on $kind', async (engine) => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        expect(repository.run('python3', '-m', 'unittest').code).toBe(1);
        const id = await stack.create(...job(repository));
        await stack.approve(id);
        const view = await stack.wait(id, 'end');
        expect(view).toMatchObject({
          status: 'finished',
          outcome: 'promoted',
          validation: { verdict: 'pass', checks: [{ name: 'unittest', exitCode: 0 }] },
          candidate: { files: [{ path: 'duration.py', status: 'modified' }] },
        });
        expect(view.promotion?.digest).toBe(view.candidate?.digest);

        const { stdout: patch } = await stack.aas('session', 'patch', id);
        await withPatched(repository, patch, async (clone) => {
          expect(clone.run('python3', '-m', 'unittest').code).toBe(0);
          const message = clone.git('log', '-1', '--format=%B');
          expect(message.trim()).toBe(`${exampleGoal}\n\nAAS-Session: ${id}\nAAS-Job: ${view.job}`);
        });
        expect(await readFile(join(stack.home, 'promoted', `${id}.patch`), 'utf8')).toBe(patch);
      }, engine);
    });
  });

  test('is answered the same after Temporal has forgotten it', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository));
        await stack.approve(id);
        await stack.wait(id, 'end');
        const sealed = async () => (await stack.events(id)).some(({ type }) => type === 'session.sealed');
        await expect.poll(sealed, { timeout: 20_000 }).toBe(true);

        const questions = [
          ['session', 'list'],
          ['session', 'view', id],
          ['session', 'events', id],
          ['session', 'patch', id],
          ['audit', 'verify'],
          ['replay', id],
        ];
        const ask = async () => {
          const answers = [];
          for (const question of questions) answers.push(await stack.aas(...question, '--json'));
          return answers;
        };
        const before = await ask();
        expect(before.map(({ code }) => code)).toEqual(questions.map(() => 0));
        await deleteWorkflow(stack, id);
        expect(await ask()).toEqual(before);
      });
    });
  });

  test('has no word put on its record by whoever reaches Temporal', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository));
        const { gate } = await stack.wait(id, 'gate');
        const connection = await Connection.connect({ address: await stack.temporalAddress() });
        try {
          const record = {
            ...{ id: 'forged/1', sessionId: id, type: 'gate.decided', at: new Date().toISOString(), actor: 'mallory' },
            ...{ change: { reason: 'forged' }, data: {}, artifacts: [] },
          };
          const forging = new Client({ connection }).activity.execute('record', {
            ...{ id: 'forged', args: [[record]], taskQueue: queues.sessions, scheduleToCloseTimeout: '3 seconds' },
          });
          await expect(forging).rejects.toThrow();
        } finally {
          await connection.close();
        }
        expect(await stack.view(id)).toMatchObject({ gate, reason: null });
        expect((await stack.events(id)).map(({ actor }) => actor)).not.toContain('mallory');
        await stack.aas('session', 'cancel', id);
      });
    });
  });

  test('that is cancelled in a run leaves no container', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository, 'echo started; sleep 600'));
        const printed = async () => (await stack.aas('session', 'logs', id)).stdout;
        await expect.poll(printed, { timeout: 30_000 }).toContain('started');
        expect(await stack.containers()).toHaveLength(1);
        const askedAt = Date.now();
        expect((await stack.aas('session', 'cancel', id)).code).toBe(0);
        expect(await stack.containers()).toEqual([]);
        expect(Date.now() - askedAt).toBeLessThan(5_000);
        expect(await stack.view(id)).toMatchObject({ status: 'cancelled' });
      });
    });
  });

  test('lands on a branch of the target where the job asks for one, and touches nothing else there', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const before = repository.git('for-each-ref');
        const id = await stack.create(...job(repository), '--mode', 'branch');
        await stack.approve(id);
        const { promotion } = await stack.wait(id, 'end');
        expect(promotion).toMatchObject({ mode: 'branch', ref: `refs/heads/aas/${id}` });
        expect(repository.git('rev-parse', `aas/${id}`).trim()).toBe(promotion?.commit);
        const others = repository
          .git('for-each-ref')
          .split('\n')
          .filter((line) => !line.endsWith(`aas/${id}`));
        expect(others.join('\n')).toBe(before);
        expect(repository.git('status', '--porcelain')).toBe('');
        repository.git('checkout', '--quiet', `aas/${id}`);
        expect(repository.run('python3', '-m', 'unittest').code).toBe(0);
      });
    });
  });

  test('follows a base that moved meanwhile, and promotes what was validated there', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository));
        await stack.wait(id, 'gate');
        await repository.write('notes.py', '# unrelated\n');
        const moved = repository.commit('Something else');
        await stack.approve(id);
        const view = await stack.wait(id, 'end');
        expect(view).toMatchObject({ outcome: 'promoted', validation: { baseCommit: moved } });
        const events = await stack.events(id);
        expect(events.filter(({ type }) => type === 'gate.opened')).toHaveLength(1);
      });
    });
  });

  test('asks again when the moved base touches the same file', async () => {
    await withExample(async (repository) => {
      await withStack(async (stack) => {
        const id = await stack.create(...job(repository));
        await stack.wait(id, 'gate');
        const source = await readFile(join(repository.path, 'duration.py'), 'utf8');
        await repository.write('duration.py', `${source}\n\nVERSION = 2\n`);
        repository.commit('The same file');
        await stack.approve(id);
        const waiting = await stack.wait(id, 'gate');
        expect(waiting).toMatchObject({ status: 'waiting', gate: { id: 'approval-1' } });
        await stack.approve(id);
        expect(await stack.wait(id, 'end')).toMatchObject({ outcome: 'promoted' });
      });
    });
  });
});
