import { expect, test } from 'vitest';
import type { AdmissionFacts } from '../../policies/admission.ts';
import { judgeAdmission } from '../../policies/admission.ts';
import { resolveChecks } from '../../policies/checks.ts';
import type { Check } from '../../temporal/contract/policy.ts';
import { jobRequestSchema } from '../../temporal/contract/job.ts';
import { bundleOf } from './fixtures.ts';

const check = (id: string, argv: string[], rest: Partial<Check> = {}): Check => ({
  id,
  argv,
  image: null,
  files: [],
  ...rest,
});

const judge = (request: object = {}, facts: Partial<AdmissionFacts> = {}) =>
  judgeAdmission({
    request: jobRequestSchema.parse({
      repository: '/srv/app',
      goal: 'Mend it',
      agent: { argv: ['true'] },
      checks: [{ id: 'unit', argv: ['make', 'test'] }],
      ...request,
    }),
    bundle: bundleOf(),
    repository: '/srv/app',
    image: 'aas-sandbox:1',
    ...facts,
  }).map(({ severity, rule, path }) => [severity, rule, ...(path === undefined ? [] : [path])].join(' '));

test('an ordinary request has no finding', () => {
  expect(judge()).toEqual([]);
});

test('agent, images and mode must be on the lists', () => {
  expect(judge({ agent: { name: 'other', argv: ['x'] } })).toEqual(['deny agents.allow']);
  expect(judge({}, { image: 'evil:1' })).toEqual(['deny images.allow']);
  expect(judge({ checks: [{ id: 'unit', argv: ['x'], image: 'evil:1' }] })).toEqual(['deny images.allow']);
  expect(judge({ promotion: { mode: 'branch' } }, { bundle: bundleOf({ modes: ['patch'] }) })).toEqual([
    'deny promotion.modes',
  ]);
  expect(judge({}, { bundle: bundleOf({ agents: [], images: [], modes: [] }) })).toEqual([
    'deny agents.allow',
    'deny images.allow',
    'deny promotion.modes',
  ]);
});

test('there must be a check in the end, whoever asks for it', () => {
  expect(judge({ checks: [] })).toEqual(['deny checks.none']);
  const bundle = bundleOf({ checks: [{ ...check('unit', ['x']), layer: 'org' }] });
  expect(judge({ checks: [] }, { bundle })).toEqual([]);
});

test('a glob that cannot work is refused before anything runs', () => {
  expect(judge({ paths: ['src/'] })).toEqual(['deny paths.glob']);
  expect(judge({ checks: [{ id: 'unit', argv: ['x'], files: ['(a+)+'] }] })).toEqual(['deny paths.glob']);
});

test('tells early which expected paths would be refused', () => {
  const bundle = bundleOf({ paths: { allow: [['**']], deny: ['**/*.lock'], protected: [], open: [] } });
  expect(judge({ paths: ['src/a', 'a.lock', '**/*.lock'] }, { bundle })).toEqual(['info paths.planned a.lock']);
});

test('checks of all layers and the job run, equal ones once', () => {
  const bundle = bundleOf({
    checks: [
      { ...check('unit', ['x']), layer: 'repository' },
      { ...check('lint', ['y']), layer: 'org' },
    ],
  });
  expect(resolveChecks(bundle, [check('unit', ['x']), check('own', ['z'])], 'i:1')).toEqual([
    { ...check('lint', ['y'], { image: 'i:1' }), origin: 'org' },
    { ...check('unit', ['x'], { image: 'i:1' }), origin: 'repository' },
    { ...check('own', ['z'], { image: 'i:1' }), origin: 'job' },
  ]);
});

test("no check takes another's place: of two with one id both run, and the stronger keeps the name", () => {
  const bundle = bundleOf({
    checks: [
      { ...check('unit', ['true']), layer: 'session' },
      { ...check('unit', ['make']), layer: 'org' },
    ],
  });
  const ids = resolveChecks(bundle, [check('unit', ['exit']), check('unit-2', ['w'])], 'i:1').map(({ id, argv }) => [
    id,
    ...argv,
  ]);
  expect(ids).toEqual([
    ['unit', 'make'],
    ['unit-2', 'true'],
    ['unit-3', 'exit'],
    ['unit-2-2', 'w'],
  ]);
});

test('a number keeps an id within its 64 characters', () => {
  const long = 'a'.repeat(64);
  const ids = resolveChecks(bundleOf(), [check(long, ['x']), check(long, ['y'])], 'i:1').map(({ id }) => id);
  expect(ids).toEqual([long, `${'a'.repeat(62)}-2`]);
});
