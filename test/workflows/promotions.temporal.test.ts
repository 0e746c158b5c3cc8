import { expect, test } from 'vitest';
import { promoted } from '../helpers/fake-steps.ts';
import { withBench } from '../helpers/sessions.ts';

test('ten promotions asked for at once are written one at a time', async () => {
  let writing = 0;
  let most = 0;
  const promote = async (request: Parameters<typeof promoted>[0]) => {
    most = Math.max(most, ++writing);
    await new Promise((resolve) => setTimeout(resolve, 30));
    writing--;
    return promoted(request);
  };
  await withBench({ promote }, async (bench) => {
    const sessions = await Promise.all(Array.from({ length: 10 }, () => bench.start()));
    const gates = await Promise.all(sessions.map((session) => session.atGate()));
    await Promise.all(sessions.map((session, i) => session.decide({ subject: gates[i]?.gate?.subject ?? null })));
    const ended = await Promise.all(sessions.map((session) => session.ended()));
    expect(ended.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'promoted'));
    expect(most).toBe(1);
  });
});

test('a queued promotion whose session is cancelled is taken back before it is written', async () => {
  const first = Promise.withResolvers<void>();
  const written: string[] = [];
  const promote = async (request: Parameters<typeof promoted>[0]) => {
    if (written.length === 0) await first.promise;
    written.push(request.sessionId);
    return promoted(request);
  };
  await withBench({ promote }, async (bench) => {
    const ahead = await bench.start();
    await ahead.decideOpen({});
    const behind = await bench.start();
    await behind.decideOpen({});
    const cancelled = await behind.startCancel();
    first.resolve();
    expect(await cancelled.ended).toMatchObject({ status: 'cancelled', outcome: null });
    expect(await ahead.ended()).toMatchObject({ outcome: 'promoted' });
    expect(written).toEqual([ahead.id]);
  });
});
