import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collisions, isGitName, prefixesOf, whyHostile } from '../../../activities/ports/git/hostile-names.ts';
import { bytePath, shownPath, textOf } from '../../../activities/ports/git/names.ts';
import { leavesTree } from '../../../activities/ports/git/symlinks.ts';

test.each([
  '.git',
  '.GIT',
  '.Git',
  '.git ',
  '.git.',
  '.git. . ',
  '.g\u200cit',
  '\ufeff.git',
  '.gi\u200dt',
  'git~1',
  'GIT~2',
  '.git::$INDEX_ALLOCATION',
  '.git:x',
])('%j is taken for .git somewhere', (name) => {
  expect(isGitName(bytePath(name))).toBe(true);
  expect(whyHostile(bytePath(`a/${name}/config`), 1000)).not.toBeNull();
});

test.each(['.gitignore', '.gitattributes', '.github', 'git', '.gitt', 'x.git', '.git-x', 'gít', '. git'])(
  '%j is not',
  (name) => {
    expect(isGitName(bytePath(name))).toBe(false);
  },
);

test.each(['a\u0000', 'a\u001bb', 'a\nb', 'a\u0085b', 'a\u202eb', 'a\u2066b', 'a\u200fb', 'a\u200bb', '\ufeffa'])(
  '%j is hostile',
  (name) => {
    expect(whyHostile(bytePath(name), 1000)).not.toBeNull();
  },
);

test('bytes that are not UTF-8 are hostile, and can still be shown', () => {
  expect(whyHostile('a\xff', 1000)).toBe('is not valid UTF-8');
  expect(shownPath('a\xff')).toBe('a\\xff');
  expect(shownPath(bytePath('a\u202e\u001b'))).toBe('a<U+202E><U+001B>');
});

test('a path survives becoming bytes and text again', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => textOf(bytePath(text)) === text));
});

test.each([
  ['readme', 'README'],
  ['dir/a', 'DIR/b'],
  ['caf\u00e9', 'cafe\u0301'],
  ['ﬁle', 'file'],
  ['strasse', 'straße'],
  ['K', '\u212a'],
])('%j and %j are one path elsewhere', (one, two) => {
  const paths = [one, two].map(bytePath);
  expect(collisions(paths.slice(0, 1), paths, () => false)).toHaveLength(1);
  expect(collisions(paths.slice(0, 1), paths, () => true)).toEqual([]);
});

test('different paths do not collide, nor a file with its own folder', () => {
  const paths = ['a', 'b/a', 'b/c', 'B2/a'];
  expect(collisions(paths, paths, () => false)).toEqual([]);
  expect(prefixesOf('a/b/c')).toEqual(['a/b/c', 'a/b', 'a']);
});

describe('a link leaves the tree', () => {
  const links = (entries: Record<string, string>) => new Map(Object.entries(entries));
  test.each<[string, Record<string, string>]>([
    ['l', { l: '/etc/passwd' }],
    ['l', { l: '..' }],
    ['d/l', { 'd/l': '../../x' }],
    ['l', { l: 'd/../../x' }],
    ['l', { l: '.git/config' }],
    ['l', { l: 'sub/.GIT/hooks' }],
    // Each step looks harmless: `d` is the root, so `d/..` is outside.
    ['x', { 'a/b/d': '../..', x: 'a/b/d/../secret' }],
    ['x', { x: 'y', y: 'z', z: '/etc' }],
    ['x', { x: 'x' }],
  ])('%s of %j', (path, entries) => {
    expect(leavesTree(path, links(entries))).toBe(true);
  });

  test.each<[string, Record<string, string>]>([
    ['l', { l: 'a' }],
    ['l', { l: '.' }],
    ['d/l', { 'd/l': '../a/./b//c' }],
    ['d/e/l', { 'd/e/l': '../../a' }],
    ['x', { 'a/b/d': '..', x: 'a/b/d/../y' }],
    ['l', { l: 'not/there' }],
    ['l', { l: '.github/x' }],
  ])('not %s of %j', (path, entries) => {
    expect(leavesTree(path, links(entries))).toBe(false);
  });
});
