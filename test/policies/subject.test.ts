import { describe, expect, test } from 'vitest';
import type { SubjectFacts } from '../../policies/subject.ts';
import { subjectOf } from '../../policies/subject.ts';
import { digest } from './fixtures.ts';

const entry = (path: string, oid = '1'.repeat(40)) => ({ path, mode: '100644', oid });
const check = (id: string, change: Partial<SubjectFacts['checks'][number]> = {}): SubjectFacts['checks'][number] => ({
  id,
  argv: ['make', id],
  image: 'aas-sandbox:1',
  verdict: 'exited',
  exitCode: 0,
  durationMs: 10,
  log: null,
  ...change,
});
const facts: SubjectFacts = {
  candidate: digest('candidate'),
  baseContent: [entry('a'), entry('b')],
  job: digest('job'),
  bundleDigest: digest('bundle'),
  checks: [check('unit'), check('lint')],
};
const text = (change: Partial<SubjectFacts> = {}) => JSON.stringify(subjectOf({ ...facts, ...change }));

describe('the subject stays', () => {
  test.each<[string, Partial<SubjectFacts>]>([
    [
      'when checks took longer or logged else',
      {
        checks: [
          check('unit', { durationMs: 99, log: { digest: digest('log'), bytes: 1, mediaType: 'text/plain' } }),
          check('lint'),
        ],
      },
    ],
    ['in another order', { checks: facts.checks.toReversed(), baseContent: facts.baseContent.toReversed() }],
  ])('%s', (_, change) => {
    expect(text(change)).toBe(text());
  });
});

describe('the subject changes with', () => {
  test.each<[string, Partial<SubjectFacts>]>([
    ['the candidate', { candidate: digest('other') }],
    ['the job', { job: digest('other') }],
    ['the policy', { bundleDigest: digest('other') }],
    ['the content under a touched file', { baseContent: [entry('a', '2'.repeat(40)), entry('b')] }],
    ['the mode of a touched file', { baseContent: [{ ...entry('a'), mode: '100755' }, entry('b')] }],
    ['the touched files', { baseContent: [entry('a')] }],
    ["a check's command", { checks: [check('unit', { argv: ['true'] }), check('lint')] }],
    ["a check's image", { checks: [check('unit', { image: 'x:1' }), check('lint')] }],
    ["a check's verdict", { checks: [check('unit', { verdict: 'timeout' }), check('lint')] }],
    ["a check's exit code", { checks: [check('unit', { exitCode: 1 }), check('lint')] }],
    ['a missing check', { checks: [check('unit')] }],
  ])('%s', (_, change) => {
    expect(text(change)).not.toBe(text());
  });
});
