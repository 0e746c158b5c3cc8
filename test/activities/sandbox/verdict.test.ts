import fc from 'fast-check';
import { expect, test } from 'vitest';
import { verdictOf } from '../../../activities/ports/sandbox/verdict.ts';
import type { EndFacts } from '../../../activities/ports/sandbox/verdict.ts';

const facts = (over: Partial<EndFacts> = {}): EndFacts => ({
  ending: null,
  exitCode: 0,
  outOfMemory: false,
  overOutputLimit: false,
  endedAtMs: 1000,
  deadlineMs: 2000,
  ...over,
});

test.each([
  ['exited', facts()],
  ['exited', facts({ exitCode: 1, outOfMemory: true })],
  ['exited', facts({ exitCode: 0, ending: 'timeout', endedAtMs: 2001 })],
  ['timeout', facts({ exitCode: 137, ending: 'timeout', outOfMemory: true })],
  ['timeout', facts({ exitCode: 137, endedAtMs: 2000 })],
  ['oom', facts({ exitCode: 137, outOfMemory: true })],
  ['killed', facts({ exitCode: 137 })],
  ['killed', facts({ exitCode: 137, deadlineMs: null })],
  ['output_limit', facts({ exitCode: 0, overOutputLimit: true })],
  ['output_limit', facts({ exitCode: 137, overOutputLimit: true, ending: 'timeout' })],
  ['cancelled', facts({ exitCode: 0, ending: 'cancelled', overOutputLimit: true })],
] as const)('%s', (verdict, given) => {
  expect(verdictOf(given)).toBe(verdict);
});

test('an exit code is believed only from a command that nobody stopped and that stayed within its limits', () => {
  const anyFacts = fc.record({
    ending: fc.constantFrom(null, 'timeout' as const, 'output_limit' as const, 'cancelled' as const),
    exitCode: fc.constantFrom(0, 1, 137),
    outOfMemory: fc.boolean(),
    overOutputLimit: fc.boolean(),
    endedAtMs: fc.nat(4000),
    deadlineMs: fc.option(fc.nat(4000)),
  });
  fc.assert(
    fc.property(anyFacts, (given) => {
      const believed = verdictOf(given) === 'exited';
      expect(believed).toBe(given.exitCode !== 137 && !given.overOutputLimit && given.ending !== 'cancelled');
    }),
  );
});
