import { expect, test } from 'vitest';
import { bytePath } from '../../../activities/ports/git/names.ts';
import { blobOid } from '../../../activities/ports/git/objects.ts';
import { judgeTree } from '../../../activities/ports/git/tree-rules.ts';
import { createRepository, openBase } from '../../helpers/repositories.ts';
import type { FileSpec } from '../../helpers/repositories.ts';

const base: Readonly<Record<string, FileSpec>> = {
  '.gitignore': 'dist/\n*.secret\nbuild/*\n!build/ok/\n',
  'readme.md': 'hello\n',
  'src/a.js': 'a\n',
  'dist/kept.js': 'tracked although it is ignored\n',
  'out/of/link': { link: '../../../elsewhere' },
  current: { link: 'src' },
};

/** The rules that a patch breaks, by path, however it was made: its tree is written directly. */
async function judged(edits: Readonly<Record<string, string | { readonly link: string } | null>>): Promise<string[]> {
  const { trusted } = await openBase(await createRepository(base));
  const draft = await trusted.draft();
  const made = Object.entries(edits).map(([path, edit]) => {
    if (edit === null) return [bytePath(path), null] as const;
    const bytes = Buffer.from(typeof edit === 'string' ? edit : edit.link);
    draft.putBlob(blobOid(bytes), bytes);
    return [bytePath(path), { mode: typeof edit === 'string' ? '100644' : '120000', oid: blobOid(bytes) }] as const;
  });
  const tree = await draft.write(new Map(made));
  const findings = await judgeTree(trusted, await trusted.changes(tree));
  expect(findings.every(({ severity }) => severity === 'deny')).toBe(true);
  return findings.map(({ rule, path }) => `${rule} ${path}`);
}

test.each([
  ['changes a file', { 'src/a.js': 'b\n' }],
  ['adds one', { 'src/b/c.js': 'c\n' }],
  ['removes one', { 'src/a.js': null }],
  ['adds one where the base makes an exception of its rule', { 'build/ok/deep/x': 'x' }],
  ['changes a file that is tracked although the base ignores it', { 'dist/kept.js': 'new\n' }],
  ['links within the tree', { 'docs/index': { link: '../readme.md' } }],
  ['leaves a link alone that led out before', { 'src/l': { link: 'a.js' } }],
  ['renames by case', { 'readme.md': null, 'README.md': 'hello\n' }],
])('a change that %s is taken', async (_, edits) => {
  expect(await judged(edits)).toEqual([]);
});

test.each([
  ['in an ignored folder', { 'dist/new.js': 'x' }, ['paths.ignored dist/new.js']],
  ['in a new folder of an ignored one', { 'dist/a/b/new.js': 'x' }, ['paths.ignored dist/a/b/new.js']],
  ['beside such an exception', { 'build/other/x': 'x' }, ['paths.ignored build/other/x']],
  ['with an ignored name', { 'src/deep/my.secret': 'x' }, ['paths.ignored src/deep/my.secret']],
  ['that is another one where case does not count', { 'README.MD': 'x' }, ['worktree.collision README.MD']],
  ['in another spelling of a folder', { 'SRC/b.js': 'x' }, ['worktree.collision SRC/b.js']],
  ['that links to the host', { l: { link: '/etc/passwd' } }, ['worktree.symlink l']],
  ['that links out of the tree', { 'src/l': { link: '../../x' } }, ['worktree.symlink src/l']],
  ['that links out through a link of the base', { l: { link: 'current/../../x' } }, ['worktree.symlink l']],
  ['whose name hides something', { 'a\u202Eb': 'x' }, ['worktree.name a<U+202E>b']],
])('a file %s is refused, whoever brings it', async (_, edits, rules) => {
  expect(await judged(edits)).toEqual(rules);
});
