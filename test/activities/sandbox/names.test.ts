import { expect, test } from 'vitest';
import { checkNames, roundNames, tame } from '../../../activities/ports/sandbox/names.ts';
import type { RunRequest, ValidateRequest } from '../../../temporal/contract/messages.ts';
import { base, digest, oid } from '../../helpers/fake-steps.ts';

const round: RunRequest = {
  sessionId: 's-1',
  round: 2,
  placement: 1,
  job: digest('job'),
  base: base('base'),
  startPatch: null,
  note: null,
};
const check: ValidateRequest = {
  sessionId: 's-1',
  round: 2,
  job: digest('job'),
  base: base('base'),
  candidate: digest('candidate'),
  tree: oid('tree'),
};

test('a round that moved to another host is another run with output of its own', () => {
  expect(roundNames(round)).toEqual({ name: 'aas-s-1-r2-p1', stream: 'round-2' });
  expect(roundNames({ ...round, placement: 2 })).toEqual({ name: 'aas-s-1-r2-p2', stream: 'round-2-2' });
});

test('a check is named by everything its answer depends on', () => {
  const names = checkNames(check, 'unit');
  expect(checkNames({ ...check }, 'unit')).toEqual(names);
  const others = [
    checkNames(check, 'lint'),
    checkNames({ ...check, round: 3 }, 'unit'),
    checkNames({ ...check, base: base('moved') }, 'unit'),
    checkNames({ ...check, candidate: digest('other') }, 'unit'),
    checkNames({ ...check, tree: oid('other') }, 'unit'),
    checkNames({ ...check, job: digest('other') }, 'unit'),
    checkNames({ ...check, sessionId: 's-2' }, 'unit'),
  ];
  expect(new Set([names, ...others].map(({ name }) => name)).size).toBe(8);
  expect(names.stream).toMatch(/^check-unit-[0-9a-f]{8}$/);
});

test('the stream of the longest check still fits a cursor', () => {
  expect(checkNames(check, 'c'.repeat(64)).stream).toMatch(/^[a-z0-9-]{1,80}$/);
});

test.each(['', '..', '../x', 'a/b', 'a b', '-a', 'a\n', 'ü', 'x'.repeat(201)])('%j names no sandbox', (name) => {
  expect(() => tame(name)).toThrow(/cannot name a sandbox/);
  expect(() => roundNames({ ...round, sessionId: `${name}/..` })).toThrow(/cannot name a sandbox/);
});
