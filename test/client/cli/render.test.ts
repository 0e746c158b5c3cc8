import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../artifacts/digest.ts';
import { patchText } from '../../../client/cli/render/patch-text.ts';
import { nextStep, renderSession } from '../../../client/cli/render/session.ts';
import { renderRecord } from '../../../client/cli/render/timeline.ts';
import { duration, oneLine, safe, size } from '../../../client/cli/render/words.ts';
import { closest } from '../../../client/cli/suggest.ts';
import { viewOf } from '../../../client/operations/view.ts';
import type { AuditRecord } from '../../../store/port.ts';
import type { SessionState } from '../../../temporal/contract/messages.ts';
import { ended, gate, sessionState, waiting } from '../helpers/sessions.ts';

const plain = (_style: string, text: string) => text;
const start = Date.parse('2026-01-01T00:00:00.000Z');
const links = { apiUrl: 'http://localhost:8001', temporalUi: 'http://localhost:8233', namespace: 'default' };
const view = (change: Partial<SessionState>) => viewOf({ ...sessionState(change), id: 's-01kb9m2x7q4w8zr5' }, links);

test.each([
  [0, '0.0s'],
  [1_234, '1.2s'],
  [61_000, '1m 1s'],
  [3_600_000 * 3, '3h 0m'],
  [3_600_000 * 80, '3d 8h'],
  [-5, '0.0s'],
])('%i ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [5 * 1024 ** 2, '5.0 MiB'],
  [3 * 1024 ** 4, '3072.0 GiB'],
])('%i bytes are %s', (bytes, text) => expect(size(bytes)).toBe(text));

describe('somebody else’s text', () => {
  test.each(['\u001b[2Jx', '\u009b31m', 'a\rb', 'a\bb', '\u202egnp.exe', 'a\u200bb', '\u2066x'])(
    '%j cannot act',
    (text) => {
      expect(safe(text)).toMatch(/^[\ufffdx0-9a-z.[;J]+$/);
      expect(safe(text)).toContain('\ufffd');
    },
  );
  test('that does no harm stays', () => {
    expect(safe('Grüße, 世界\n\tok')).toBe('Grüße, 世界\n\tok');
    expect(oneLine(' a\n\n b ', 10)).toBe('a b');
    expect(oneLine('abcdef', 4)).toBe('abc…');
  });
});

test.each([
  ['veiw', 'view'],
  ['lsit', 'list'],
  ['cancle', 'cancel'],
  ['logss', 'logs'],
  ['frobnicate', null],
  ['', null],
])('%s is near %s', (word, nearest) => expect(closest(word, ['view', 'list', 'cancel', 'logs'])).toBe(nearest));

test('a session waiting for a person', () => {
  const check = {
    name: 'unit',
    argv: ['x'],
    image: 'i',
    verdict: 'exited',
    exitCode: 1,
    durationMs: 900,
    logDigest: null,
  } as const;
  const session = view({
    ...waiting(gate({ deadline: '2026-01-01T02:00:00.000Z' })),
    baseCommit: 'a'.repeat(40),
    candidate: { digest: sha256('c'), bytes: 1500, files: [] },
    validation: { verdict: 'fail', baseCommit: 'a'.repeat(40), checks: [check], report: sha256('r') },
    findings: [{ severity: 'review', rule: 'scope', message: 'not in the plan', path: 'src/a.ts' }],
  });
  expect(renderSession(session, plain, start + 60_000)).toMatchSnapshot();
  expect(nextStep(session)).toBe('aas approve s-01kb9m2x7q4w8zr5   (or reject, retry, amend)');
});

test.each([
  ['a fallback', waiting(gate({ kind: 'fallback', offers: ['retry', 'amend', 'reject'] })), 'aas retry'],
  ['under way', { status: 'running' } as const, 'aas session events'],
  [
    'promoted',
    {
      ...ended,
      promotion: { mode: 'patch', ref: 'x', digest: sha256('c'), commit: null, baseCommit: '', receipt: sha256('r') },
    } as const,
    'git am',
  ],
  ['failed before any round', { status: 'failed' } as const, 'aas session events'],
])('next, when it is %s', (_what, change, words) => expect(nextStep(view(change))).toContain(words));

test('the story of a session, line by line', () => {
  const record = (type: string, ms: number, rest: Partial<AuditRecord> = {}): AuditRecord => ({
    sequence: 1,
    prevhash: sha256(''),
    id: 'x',
    session: 's-1',
    number: 1,
    time: new Date(start + ms).toISOString(),
    type,
    actor: 'aas',
    change: {},
    data: {},
    artifacts: [],
    ...rest,
  });
  const round = {
    number: 1,
    hand: 'command',
    note: null,
    hostId: null,
    placement: 0,
    verdict: null,
    exitCode: null,
    output: null,
    patch: null,
  };
  const check = {
    name: 'unit',
    argv: ['x'],
    image: 'i',
    verdict: 'exited',
    exitCode: 0,
    durationMs: 900,
    logDigest: null,
  } as const;
  const candidate = { digest: sha256('c'), bytes: 900, files: [] };
  const records = [
    record('session.requested', 0, { actor: 'ada', change: { goal: 'Round\nto cents' } }),
    record('session.started', 40),
    record('session.admitted', 90, {
      change: { baseCommit: 'a'.repeat(40), policy: { bundleDigest: sha256('b'), profile: 'personal' } },
    }),
    record('round.started', 100, { change: { round } }),
    record('round.placed', 120, { data: { hostId: 'local', placement: 1 } }),
    record('host.lost', 200, { data: { hostId: 'local' } }),
    record('round.finished', 1500, {
      change: { round: { ...round, verdict: 'exited', exitCode: 0 } },
      data: { durationMs: 1300 },
    }),
    record('candidate.denied', 1550, {
      change: { findings: [{ severity: 'deny', rule: 'paths.protected', message: 'CI file' }] },
    }),
    record('candidate.made', 1600, { change: { candidate } }),
    record('validation.finished', 2600, {
      change: { validation: { verdict: 'pass', baseCommit: '', checks: [check], report: sha256('r') } },
    }),
    record('gate.opened', 2700, { change: { gate: gate() } }),
    record('decision.refused', 60_000, { data: { reason: 'expired' } }),
    record('gate.decided', 65_000, { actor: 'ada', data: { kind: 'approve', reason: null, note: null } }),
    record('promotion.intended', 65_010),
    record('base.moved', 65_050, { data: { to: 'b'.repeat(40) } }),
    record('promotion.done', 65_100, {
      change: {
        promotion: {
          mode: 'patch',
          ref: 'x.patch',
          digest: candidate.digest,
          commit: null,
          baseCommit: '',
          receipt: sha256('r'),
        },
      },
    }),
    record('session.ended', 65_150, { change: ended }),
    record('session.sealed', 65_300, { data: { events: 52 } }),
    record('something.quite_new', 65_400),
  ];
  expect(records.map((each) => renderRecord(each, start, plain)).join('\n')).toMatchSnapshot();
});

test('a mail in base64 is shown as what it says', () => {
  const body = Buffer.from('---\n+a\r\n').toString('base64');
  expect(
    patchText(Buffer.from(`From x\nSubject: [PATCH] Round\n to cents\nContent-Transfer-Encoding: base64\n\n${body}\n`)),
  ).toBe('Subject: [PATCH] Round\n to cents\n\n---\n+a\r\n');
  expect(patchText(Buffer.from('diff --git a/a b/a\n'))).toBe('diff --git a/a b/a\n');
});
