import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newSessionId, sessionIdPattern } from '../../../client/operations/session-id.ts';

const time = fc.integer({ min: 0, max: 2 ** 45 - 1 });

test('an id has one form, and sorts by its time', () => {
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [first, second] = [newSessionId(a), newSessionId(b)];
      expect(first).toMatch(sessionIdPattern);
      if (a !== b) expect(first < second).toBe(a < b);
    }),
  );
});

test('ids of one moment differ', () => {
  const ids = Array.from({ length: 1000 }, () => newSessionId(1_700_000_000_000));
  expect(new Set(ids).size).toBe(1000);
});
