import { expect, test } from 'vitest';
import { createSlots } from '../../../activities/ports/sandbox/slots.ts';

test('steps take turns in the order they came', async () => {
  const { withSlot } = createSlots(1);
  const first = Promise.withResolvers<void>();
  const began: string[] = [];
  const step = (name: string, until?: Promise<void>) =>
    withSlot(async () => {
      began.push(name);
      await until;
    });
  const steps = [step('a', first.promise), step('b'), step('c')];
  await Promise.resolve();
  expect(began).toEqual(['a']);
  first.resolve();
  await Promise.all(steps);
  expect(began).toEqual(['a', 'b', 'c']);
});

test('who is called off does not wait, and takes nobody’s turn', async () => {
  const { withSlot } = createSlots(1);
  const first = Promise.withResolvers<void>();
  const calledOff = new AbortController();
  const running = withSlot(() => first.promise);
  const waiting = withSlot(() => Promise.resolve('ended'), calledOff.signal);
  const behind = withSlot(() => Promise.resolve('ran'));
  calledOff.abort();
  expect(await waiting).toBe('ended');
  expect(await Promise.race([behind, Promise.resolve('waits')])).toBe('waits');
  first.resolve();
  await running;
  expect(await behind).toBe('ran');
});
