import { describe, expect, test } from 'vitest';
import type { ChangeFacts } from '../../policies/change.ts';
import { judgeChange } from '../../policies/change.ts';
import { denies } from '../../policies/findings.ts';
import type { ChangedFile } from '../../temporal/contract/messages.ts';
import { bundleOf, changed } from './fixtures.ts';

const judge = (files: readonly ChangedFile[], facts: Partial<ChangeFacts> = {}) =>
  judgeChange({
    files,
    patchBytes: 100,
    bundle: bundleOf(),
    repository: '/srv/app',
    plan: { paths: null },
    checks: [],
    ...facts,
  });
const rules = (files: readonly ChangedFile[], facts: Partial<ChangeFacts> = {}) =>
  judge(files, facts).map(({ severity, rule }) => `${severity} ${rule}`);

test('an ordinary change has no finding', () => {
  expect(judge([changed('src/a.ts')])).toEqual([]);
});

test.each<[string, ChangedFile, string[]]>([
  [
    'a symbolic link',
    changed('a', { newMode: '120000', oldMode: '000000', status: 'added' }),
    ['review change.symlink'],
  ],
  ['a deleted link', changed('a', { oldMode: '120000', newMode: '000000', status: 'deleted' }), []],
  ['a submodule', changed('a', { newMode: '160000', oldMode: '000000', status: 'added' }), ['deny change.submodule']],
  [
    'a removed submodule',
    changed('a', { oldMode: '160000', newMode: '000000', status: 'deleted' }),
    ['deny change.submodule'],
  ],
  ['another mode', changed('a', { newMode: '100664' }), ['deny change.mode']],
  ['a folder for a mode', changed('a', { newMode: '040000' }), ['deny change.mode']],
  ['becoming executable', changed('a', { newMode: '100755' }), ['review change.executable']],
  ['staying executable', changed('a', { oldMode: '100755', newMode: '100755' }), []],
  ['another type', changed('a', { status: 'type_changed', oldMode: '120000' }), ['review change.type']],
  ['a binary', changed('a', { binary: true }), ['review change.binary']],
  ['a large file', changed('a', { bytes: 1001 }), ['deny change.file_bytes']],
  ['.gitmodules', changed('.gitmodules'), ['deny change.submodule']],
  ['.GitModules below', changed('x/.GitModules'), ['deny change.submodule']],
  ['.gitattributes', changed('x/.gitattributes'), ['review change.git_file']],
  ['.gitignore', changed('.gitignore'), ['review change.git_file']],
  ['a path that climbs', changed('a/../../b'), ['deny paths.shape']],
  ['git itself', changed('.git/hooks/pre-commit'), ['deny paths.shape']],
])('%s', (_, file, expected) => {
  expect(rules([file])).toEqual(expected);
});

test.each([
  '.masfactory_runtime/x',
  'a/.masfactory_runtime/x',
  'logs/run.log',
  'LOGS/run.log',
  'memory/notes',
  '.aider.chat.history.md',
  '.codex/sessions/x',
  '.claude/settings.local.json',
])('P4: %s never reaches a patch', (path) => {
  expect(rules([changed(path)])).toEqual(['deny paths.runtime']);
});

test.each(['src/logs/a.ts', 'src/memory/pool.c', 'catalogs/x'])('%s is source code', (path) => {
  expect(rules([changed(path)])).toEqual([]);
});

describe('caps', () => {
  const files = ['a', 'b', 'c', 'd'].map((path) => changed(path));
  test('hold at the limit and deny above it', () => {
    expect(rules(files.slice(0, 3), { patchBytes: 2000 })).toEqual([]);
    expect(rules(files)).toEqual(['deny change.files']);
    expect(rules([changed('a')], { patchBytes: 2001 })).toEqual(['deny change.patch_bytes']);
  });
});

test('path rules deny, and what the org opened is shown', () => {
  const paths = {
    allow: [['src/**']],
    deny: ['src/x'],
    protected: ['src/y/**'],
    open: [{ repository: '/srv/app', paths: ['src/y/z'] }],
  };
  const bundle = bundleOf({ paths });
  expect(rules([changed('src/X')], { bundle })).toEqual(['deny paths.deny']);
  expect(rules([changed('src/y/a')], { bundle })).toEqual(['deny paths.protected']);
  expect(rules([changed('src/y/z')], { bundle })).toEqual(['review paths.opened']);
  expect(rules([changed('src/y/z')], { bundle, repository: '/srv/other' })).toEqual(['deny paths.protected']);
  expect(rules([changed('other')], { bundle })).toEqual(['deny paths.allow']);
});

test("a change of a check's own files is flagged, in any spelling", () => {
  const checks = [{ id: 'unit', files: ['test/**', 'Makefile'] }];
  expect(judge([changed('Test/a.py')], { checks })).toEqual([
    {
      severity: 'review',
      rule: 'check.changed',
      message: expect.stringContaining('unit') as string,
      path: 'Test/a.py',
    },
  ]);
  expect(rules([changed('src/a')], { checks })).toEqual([]);
});

test('differences from the plan are shown both ways', () => {
  const plan = { paths: ['src/**', 'docs/**'] };
  expect(rules([changed('src/a'), changed('b')], { plan })).toEqual(['review scope', 'info scope.unused']);
  expect(rules([changed('a')], { plan: { paths: [] } })).toEqual(['review scope']);
});

test('two spellings of one name are shown', () => {
  expect(rules([changed('README'), changed('Readme')])).toEqual(['review paths.twin', 'review paths.twin']);
  expect(rules([changed('README', { newMode: '000000', status: 'deleted' }), changed('Readme')])).toEqual([]);
});

test('denials come first, so that a slice never hides them', () => {
  const findings = judge([changed('a', { binary: true }), changed('logs/x')]);
  expect(findings.map(({ severity }) => severity)).toEqual(['deny', 'review']);
  expect(denies(findings)).toBe(true);
});
