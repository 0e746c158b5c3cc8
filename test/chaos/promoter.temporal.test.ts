import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, test } from 'vitest';
import { queues } from '../../temporal/contract/messages.ts';
import type { PromotionRequest } from '../../temporal/contract/messages.ts';
import { withExample } from '../helpers/example.ts';
import { withInstallation } from '../helpers/evidence.ts';

const main = fileURLToPath(new URL('./stand-ins/promoter.ts', import.meta.url));

/** Lends a promoter that stops at a moment of its work; it is killed, if nothing else ended it. */
async function withPromoter(
  home: string,
  moment: string,
  use: (promoter: ChildProcess) => Promise<void>,
): Promise<void> {
  const promoter = fork(main, [home, inject('temporalAddress'), moment], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(promoter, 'exit');
  try {
    await once(promoter, 'message');
    await use(promoter);
  } finally {
    promoter.kill('SIGKILL');
    await ended;
  }
}

test.each(['before-write', 'after-write'] as const)(
  'a promoter killed %s: the next one promotes, and once',
  async (moment) => {
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const client = new Client({ connection });
    await withExample(async (repository) => {
      await withInstallation(async (installation) => {
        const { request } = await installation.approved(repository);
        let answer: Promise<unknown> | undefined;
        await withPromoter(installation.home, moment, async (promoter) => {
          const stopped = once(promoter, 'message');
          answer = execute(client, request);
          await stopped;
          expect(await installation.promoted()).toHaveLength(moment === 'after-write' ? 1 : 0);
        });
        await withPromoter(installation.home, 'never', async () => {
          expect(await answer).toMatchObject({ kind: 'promoted', promotion: { digest: request.evidence.candidate } });
        });
        expect(await installation.promoted()).toEqual([`${request.sessionId}.patch`]);
      });
    });
    await connection.close();
  },
);

const execute = (client: Client, request: PromotionRequest) =>
  client.activity.execute('promote', {
    ...{ id: request.id, args: [request], taskQueue: queues.promote, heartbeatTimeout: '1 second' },
    ...{ scheduleToCloseTimeout: '50 seconds', retry: { initialInterval: '100ms' } },
  });
