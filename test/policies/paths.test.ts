import { describe, expect, test } from 'vitest';
import { allowMatcher, denyMatcher, pathJudge, pathProblem } from '../../policies/paths.ts';
import type { PolicyBundle } from '../../temporal/contract/policy.ts';

test.each(['a', 'a/b', '.env', 'a b/ü', 'a...b', 'x.git', '.github/x', 'a:b'])('%s is an ordinary path', (path) => {
  expect(pathProblem(path)).toBeNull();
});

test.each([
  '',
  '/a',
  'a//b',
  'a/',
  '.',
  '..',
  'a/../b',
  './a',
  'a\\b',
  'a\nb',
  'a\0b',
  'a\u202Eb',
  'a\u200Bb',
  'a\u2028b',
  'a\uFFFDb',
  'a\uD800b',
  '.git/config',
  'a/.GIT/config',
  '.git./x',
  '.git /x',
  'GIT~1/x',
  '.git::$INDEX_ALLOCATION/x',
  'a'.repeat(256),
  'a/'.repeat(2500) + 'a',
])('%j is never allowed', (path) => {
  expect(pathProblem(path)).not.toBeNull();
  expect(allowMatcher(['**', '*', '**/*'])(path)).toBe(false);
});

describe('deny matches every spelling', () => {
  const denied = denyMatcher(['.github/**', 'café/**', '**/CODEOWNERS', '[A-Z]secret', 'straße']);
  test.each([
    '.github/workflows/ci.yml',
    '.GitHub/workflows/ci.yml',
    '.github',
    'cafe\u0301/x',
    'CAFE\u0301/x',
    'café/x',
    'a/codeowners',
    'CODEOWNERS.',
    'CodeOwners ',
    'CODEOWNERS::$DATA',
    'CODEOWNER\u017F',
    'Xsecret',
    'xSECRET',
    'STRASSE',
  ])('%s', (path) => {
    expect(denied(path)).toBe(true);
  });
  test.each(['github/x', 'a/.github/x', 'cafe/x', 'CODEOWNERS.md', '1secret'])('and not %s', (path) => {
    expect(denied(path)).toBe(false);
  });
  test('a set that excludes still denies what it denied as written', () => {
    expect(denyMatcher(['[^A]x'])('ax')).toBe(true);
  });
  test('a glob that folding would break is refused, not passed over', () => {
    expect(() => denyMatcher(['[Z-a]x'])).toThrow();
  });
});

describe('a path judge', () => {
  const rules = (change: Partial<PolicyBundle['paths']>): PolicyBundle['paths'] => ({
    allow: [['**']],
    deny: [],
    protected: [],
    open: [],
    ...change,
  });
  const ruleOf = (paths: PolicyBundle['paths'], path: string, repository = '/srv/app') => {
    const verdict = pathJudge(paths, repository)(path);
    return verdict.kind === 'denied' ? verdict.rule : verdict.opened ? 'opened' : 'allowed';
  };

  test('wants every clause of allow, in exact case', () => {
    const paths = rules({ allow: [['src/**', 'test/**'], ['**/*.ts']] });
    expect(ruleOf(paths, 'src/a.ts')).toBe('allowed');
    expect(ruleOf(paths, 'src/a.js')).toBe('paths.allow');
    expect(ruleOf(paths, 'SRC/a.ts')).toBe('paths.allow');
    expect(ruleOf(rules({ allow: [[]] }), 'a')).toBe('paths.allow');
  });

  test('opens protected paths for the repositories the org names, and no others', () => {
    const paths = rules({
      protected: ['.github/**'],
      open: [{ repository: '/srv/a*', paths: ['.github/workflows/*'] }],
    });
    expect(ruleOf(paths, '.github/workflows/ci.yml')).toBe('opened');
    expect(ruleOf(paths, '.github/CODEOWNERS')).toBe('paths.protected');
    expect(ruleOf(paths, '.github/workflows/ci.yml', '/srv/other')).toBe('paths.protected');
    expect(ruleOf(paths, '.GITHUB/workflows/ci.yml')).toBe('paths.protected');
  });

  test('opening does not open what is denied', () => {
    const paths = rules({ deny: ['a'], protected: ['a'], open: [{ repository: '**', paths: ['a'] }] });
    expect(ruleOf(paths, 'a')).toBe('paths.deny');
  });
});
