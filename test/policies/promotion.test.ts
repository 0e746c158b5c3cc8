import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseFloor } from '../../policies/floor.ts';
import type { PromotionFacts } from '../../policies/promotion.ts';
import { judgePromotion } from '../../policies/promotion.ts';
import type { CheckReport } from '../../temporal/contract/evidence.ts';
import type { JobSpec } from '../../temporal/contract/job.ts';
import type { Decision } from '../../temporal/contract/messages.ts';
import { bundleOf, digest } from './fixtures.ts';

const floorText = readFileSync(new URL('../../policies/promoter-floor.yaml', import.meta.url), 'utf8');
const oid = (character: string) => character.repeat(40);
const now = '2026-01-01T12:00:00.000Z';
const subject = digest('subject');
const bundle = bundleOf();

const target = {
  key: 'file:1:2#refs/heads/main',
  repository: '/srv/app',
  ref: 'refs/heads/main',
  mode: 'patch',
} as const;

const job: JobSpec = {
  type: 'aas.dev/job/v1',
  session: 's1',
  requester: 'user:ada',
  profile: 'team',
  createdAt: '2026-01-01T00:00:00.000Z',
  goal: 'Mend it',
  source: {
    repositoryKey: 'file:1:2',
    repository: '/srv/app',
    ref: 'refs/heads/main',
    commit: oid('a'),
    tree: oid('b'),
    bundle: { digest: digest('bundle'), bytes: 1, mediaType: 'application/x-git-bundle' },
  },
  target,
  agent: { name: 'command', argv: ['true'], image: 'aas-sandbox:1' },
  checks: ['unit', 'lint'].map((id) => ({
    id,
    argv: ['make', id],
    image: 'aas-sandbox:1',
    files: [],
    origin: 'job' as const,
  })),
  paths: null,
  limits: bundle.limits,
  policy: { digest: digest('policy'), bundle },
};

const ran = (id: string, change: Partial<CheckReport['checks'][number]> = {}): CheckReport['checks'][number] => ({
  id,
  argv: ['make', id],
  image: 'aas-sandbox:1',
  verdict: 'exited',
  exitCode: 0,
  durationMs: 1,
  log: null,
  ...change,
});

const approval = (change: Partial<Decision> = {}): Decision => ({
  type: 'aas.dev/decision/v1',
  session: 's1',
  gate: 'approval-1',
  kind: 'approve',
  subject,
  actor: 'user:bob',
  method: 'token',
  decidedAt: '2026-01-01T11:00:00.000Z',
  expiresAt: '2026-01-01T13:00:00.000Z',
  nonce: '0123456789abcdef',
  reason: null,
  note: null,
  fresh: false,
  agent: null,
  patch: null,
  ...change,
});

const good: PromotionFacts = {
  job,
  jobDigest: digest('job'),
  inspection: {
    type: 'aas.dev/inspection/v1',
    session: 's1',
    job: digest('job'),
    bundleDigest: digest('policy'),
    baseCommit: oid('c'),
    candidate: digest('candidate'),
    tree: oid('d'),
    verdict: 'pass',
    baseContent: [],
  },
  report: {
    type: 'aas.dev/check-report/v1',
    session: 's1',
    job: digest('job'),
    candidate: digest('candidate'),
    baseCommit: oid('c'),
    tree: oid('d'),
    verdict: 'pass',
    checks: [ran('lint'), ran('unit')],
    validator: { hostId: 'v1', engine: 'docker' },
    finishedAt: now,
  },
  decisions: [approval()],
  request: {
    sessionId: 's1',
    candidate: digest('candidate'),
    tree: oid('d'),
    base: { repositoryKey: 'file:1:2', ref: 'refs/heads/main', commit: oid('c') },
    target,
    mode: 'patch',
  },
  floor: parseFloor(floorText),
  subject,
  now,
};

const rules = (change: Partial<PromotionFacts> = {}) =>
  judgePromotion({ ...good, ...change }).map(({ severity, rule }) => `${severity} ${rule}`);
const withJob = (change: Partial<JobSpec>) => ({ job: { ...job, ...change } });
const withInspection = (change: object) => ({
  inspection: { ...good.inspection, ...change } as PromotionFacts['inspection'],
});
const withReport = (change: Partial<CheckReport>) => ({ report: { ...good.report, ...change } });
const withRequest = (change: Partial<PromotionFacts['request']>) => ({ request: { ...good.request, ...change } });
const withGates = (approvals: number) =>
  withJob({ policy: { ...job.policy, bundle: { ...bundle, gates: { plan: false, approvals } } } });
const bob = approval();
const eve = approval({ actor: 'user:eve', nonce: 'fedcba9876543210' });

test('evidence that hangs together, approved by another person, is promoted, also on a base that moved', () => {
  expect(job.source.commit).not.toBe(good.request.base.commit);
  expect(rules()).toEqual([]);
});

describe('evidence that does not hang together is refused', () => {
  test.each<[string, Partial<PromotionFacts>, string]>([
    ['a job of another session', withJob({ session: 's2' }), 'evidence.session'],
    ['an inspection of another session', withInspection({ session: 's2' }), 'evidence.session'],
    ['a report of another session', withReport({ session: 's2' }), 'evidence.session'],
    ['an inspection of another job', withInspection({ job: digest('x') }), 'evidence.job'],
    ['a report of another job', withReport({ job: digest('x') }), 'evidence.job'],
    ['an inspection under another policy', withInspection({ bundleDigest: digest('x') }), 'evidence.policy'],
    ['an inspection of another candidate', withInspection({ candidate: digest('x') }), 'evidence.candidate'],
    ['a report of another candidate', withReport({ candidate: digest('x') }), 'evidence.candidate'],
    ['another inspected tree', withInspection({ tree: oid('e') }), 'evidence.tree'],
    ['another validated tree', withReport({ tree: oid('e') }), 'evidence.tree'],
    ['another tree rebuilt here', withRequest({ tree: oid('e') }), 'evidence.tree'],
    ['a failed inspection', withInspection({ verdict: 'deny' }), 'evidence.verdict'],
    ['a failed validation', withReport({ verdict: 'fail' }), 'evidence.verdict'],
    ['P5: inspected on another base', withInspection({ baseCommit: oid('e') }), 'evidence.base'],
    ['P5: validated on another base', withReport({ baseCommit: oid('e') }), 'evidence.base'],
    [
      'another repository',
      withRequest({ base: { ...good.request.base, repositoryKey: 'file:9:9' } }),
      'evidence.source',
    ],
    ['another branch', withRequest({ base: { ...good.request.base, ref: 'refs/heads/x' } }), 'evidence.source'],
    ['another target', withRequest({ target: { ...target, ref: 'refs/heads/x' } }), 'evidence.target'],
    ['another target key', withRequest({ target: { ...target, key: 'x' } }), 'evidence.target'],
    [
      'another mode than the job',
      withRequest({ mode: 'branch', target: { ...target, mode: 'branch' } }),
      'evidence.mode',
    ],
    [
      'a mode the policy does not allow',
      withJob({ policy: { ...job.policy, bundle: { ...bundle, modes: [] } } }),
      'evidence.mode',
    ],
  ])('%s', (_, change, rule) => {
    expect(rules(change)).toEqual([`deny ${rule}`]);
  });

  test('a commit that nothing can move stays where it is', () => {
    const pinned = withJob({ source: { ...job.source, ref: null } });
    const base = { ...good.request.base, ref: null };
    expect(rules({ ...pinned, ...withRequest({ base }) })).toEqual(['deny evidence.base']);
    const there = { ...base, commit: job.source.commit };
    expect(
      rules({
        ...pinned,
        ...withRequest({ base: there }),
        ...withInspection({ baseCommit: oid('a') }),
        ...withReport({ baseCommit: oid('a') }),
      }),
    ).toEqual([]);
  });
});

describe('P8: each check of the job ran as the job has it, and passed', () => {
  test.each<[string, Partial<PromotionFacts>]>([
    ['one is missing', withReport({ checks: [ran('unit')] })],
    ['one is there twice', withReport({ checks: [ran('unit'), ran('lint'), ran('lint')] })],
    ['one has another command', withReport({ checks: [ran('unit'), ran('lint', { argv: ['true'] })] })],
    ['one has another image', withReport({ checks: [ran('unit'), ran('lint', { image: 'x:1' })] })],
    ['one failed', withReport({ checks: [ran('unit'), ran('lint', { exitCode: 1 })] })],
    ['one timed out', withReport({ checks: [ran('unit'), ran('lint', { verdict: 'timeout' })] })],
    ['one ended without a code', withReport({ checks: [ran('unit'), ran('lint', { exitCode: null })] })],
    ['another one failed', withReport({ checks: [ran('unit'), ran('lint'), ran('more', { exitCode: 1 })] })],
    ['the job has none', withJob({ checks: [] })],
  ])('refused when %s', (_, change) => {
    expect(rules(change)).toEqual(['deny evidence.checks']);
  });
});

describe('P1, P6, P12: enough people said yes to exactly this', () => {
  test.each<[string, Partial<PromotionFacts>]>([
    ['nobody did', { decisions: [] }],
    ['nobody did, and policy wants nobody', { decisions: [], ...withGates(0) }],
    ['it was no approval', { decisions: [approval({ kind: 'retry' })] }],
    ['it was of another session', { decisions: [approval({ session: 's2' })] }],
    ['it was at another gate', { decisions: [approval({ gate: 'fallback-1' })] }],
    ['it was at a gate that only looks alike', { decisions: [approval({ gate: 'approval-1x' })] }],
    ['it was about another subject', { decisions: [approval({ subject: digest('x') })] }],
    ['it was about nothing', { decisions: [approval({ subject: null })] }],
    ['it has expired', { now: '2026-01-01T13:00:00.000Z' }],
    ['its end cannot be read', { decisions: [approval({ expiresAt: 'soon' })] }],
    ['the requester did', { decisions: [approval({ actor: 'user:ada' })] }],
    [
      'the requester did, on a laptop this promoter does not serve',
      {
        ...withJob({ profile: 'personal' }),
        decisions: [approval({ actor: 'user:ada' })],
        floor: { ...good.floor, profiles: ['team'] },
      },
    ],
    ['policy wants two people', withGates(2)],
    ['the floor wants two people', { floor: { ...good.floor, minApprovals: 2 } }],
    ['one person did twice', { ...withGates(2), decisions: [bob, { ...eve, actor: 'user:bob' }] }],
  ])('refused when %s', (_, change) => {
    expect(rules(change)).toContain('deny decisions.approvals');
  });

  test('two people are two', () => {
    expect(rules({ ...withGates(2), decisions: [bob, eve] })).toEqual([]);
  });
  test('one nonce twice is refused', () => {
    expect(rules({ decisions: [bob, { ...eve, nonce: bob.nonce }] })).toEqual(['deny decisions.nonce']);
  });
  test('a rejection of this subject is refused, of an earlier one not', () => {
    expect(rules({ decisions: [bob, { ...eve, kind: 'reject' }] })).toEqual(['deny decisions.rejected']);
    expect(rules({ decisions: [bob, { ...eve, kind: 'reject', subject: digest('x') }] })).toEqual([]);
  });
  test('an earlier retry beside the approval does no harm', () => {
    expect(rules({ decisions: [{ ...eve, kind: 'retry', gate: 'fallback-1', subject: null }, bob] })).toEqual([]);
  });
  test('on a laptop the one user may approve what they asked for', () => {
    expect(rules({ ...withJob({ profile: 'personal' }), decisions: [approval({ actor: 'user:ada' })] })).toEqual([]);
  });
  test('says why an approval did not count', () => {
    const [finding] = judgePromotion({ ...good, decisions: [approval({ subject: digest('x') })] });
    expect(finding?.message).toMatch(/0 of 1 .* user:bob: is about something else/);
  });
});

describe("the promoter's own floor", () => {
  test.each<[string, Partial<PromotionFacts['floor']>, string[]]>([
    ['repositories', { repositories: ['/srv/other', 'https://**'] }, ['deny floor.repositories']],
    ['no repository', { repositories: [] }, ['deny floor.repositories']],
    ['modes', { modes: ['branch'] }, ['deny floor.modes']],
    ['profiles', { profiles: ['personal'] }, ['deny floor.profiles']],
    ['a glob that fits', { repositories: ['/srv/*'] }, []],
  ])('%s', (_, floor, expected) => {
    expect(rules({ floor: { ...good.floor, ...floor } })).toEqual(expected);
  });

  test.each<[string, string]>([
    ['an approval less than one', floorText.replace('minApprovals: 1', 'minApprovals: 0')],
    ['an unknown field', `${floorText}more: 1\n`],
    ['a missing field', floorText.replace('minApprovals: 1', '')],
    ['an unknown mode', floorText.replace('[patch, branch]', '[push]')],
    ['a pattern that cannot work', floorText.replace("['**']", "['(a+)+']")],
    ['nothing', ''],
  ])('with %s does not parse', (_, text) => {
    expect(text).not.toBe(floorText);
    expect(() => parseFloor(text)).toThrow(/floor cannot be used, so nothing is promoted/);
  });
});
