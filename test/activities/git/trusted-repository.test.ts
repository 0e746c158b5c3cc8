import { randomBytes } from 'node:crypto';
import { readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBaseRepositories } from '../../../activities/ports/git/base-repositories.ts';
import { createRepository, openBase, plainGit, plainGitBytes, writeFiles } from '../../helpers/repositories.ts';
import type { FileSpec } from '../../helpers/repositories.ts';
import { smallDisk } from '../../helpers/small-disk.ts';

/** The plain diff of a repository's worktree against its HEAD. */
async function diffOf(repository: string, files: Record<string, FileSpec>): Promise<Buffer> {
  await writeFiles(repository, files);
  await plainGit(repository, 'add', '--all');
  return plainGitBytes(repository, 'diff', '--cached', '--binary', '--full-index', '--no-renames');
}

test('files of the base are read up to a limit', async () => {
  const { trusted } = await openBase(await createRepository({ 'a b/c': 'x'.repeat(100), d: { link: 'a b/c' } }));
  expect((await trusted.readFile('a b/c', 100))?.toString()).toBe('x'.repeat(100));
  await expect(trusted.readFile('a b/c', 99)).rejects.toMatchObject({ nonRetryable: true });
  expect((await trusted.readFile('d', 100))?.toString()).toBe('a b/c');
  for (const path of ['none', 'a b', '', '/', '../x', 'a b/c/d', 'a\nb', 'HEAD:x'])
    expect(await trusted.readFile(path, 100)).toBeNull();
});

test('a diff applied, listed and written again is the same', async () => {
  const repository = await createRepository({ a: '1\n', bin: Buffer.from([0, 1]), gone: 'x' });
  const { trusted } = await openBase(repository);
  await plainGit(repository, 'rm', '--quiet', 'gone');
  const diff = await diffOf(repository, {
    a: '2\n',
    bin: Buffer.from([0, 2]),
    'new ü': { content: 'x', mode: 0o755 },
    link: { link: 'a' },
  });
  const tree = await trusted.applyDiff(diff);
  expect(tree).toBe(await plainGit(repository, 'write-tree'));
  expect(await trusted.diff(tree)).toEqual(diff);
  const changes = await trusted.changes(tree);
  expect(
    changes.map(({ path, status, oldMode, newMode, bytes, binary }) => [path, status, oldMode, newMode, bytes, binary]),
  ).toEqual([
    ['a', 'modified', '100644', '100644', 2, false],
    ['bin', 'modified', '100644', '100644', 2, true],
    ['gone', 'deleted', '100644', '000000', 0, false],
    ['link', 'added', '000000', '120000', 1, false],
    ['new ü', 'added', '000000', '100755', 1, false],
  ]);
  const newOid = changes.find(({ path }) => path === 'a')?.newOid ?? '';
  expect((await trusted.readBlob(newOid, 10)).toString()).toBe('2\n');
});

test('attributes of the base hide nothing in a diff', async () => {
  const repository = await createRepository({ '.gitattributes': '* -diff\n*.x binary\n', 'a.x': '1\n' });
  const { trusted } = await openBase(repository);
  const tree = await trusted.applyDiff(await diffOf(repository, { 'a.x': '2\n' }));
  expect((await trusted.diff(tree)).toString()).toContain('-1\n+2\n');
  expect((await trusted.changes(tree))[0]?.binary).toBe(false);
});

test('a diff applies by its context where the base has moved on', async () => {
  const lines = Array.from({ length: 40 }, (_, n) => `line ${n}\n`);
  const repository = await createRepository({ a: lines.join('') });
  const diff = await diffOf(repository, { a: lines.join('').replace('line 30', 'LINE 30') });
  await plainGit(repository, 'reset', '--quiet', '--hard');
  await writeFiles(repository, { a: `new first\n${lines.join('')}` });
  await plainGit(repository, 'commit', '--quiet', '--all', '-m', 'moved');
  const { trusted } = await openBase(repository);
  const [file] = await trusted.changes(await trusted.applyDiff(diff));
  expect((await trusted.readBlob(file?.newOid ?? '', 1000)).toString()).toContain('new first\nline 0\n');
});

test('what does not apply is refused and can be asked again', async () => {
  const { trusted } = await openBase(await createRepository({ a: '1\n' }));
  for (const diff of [
    '',
    'hello\n',
    'diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n',
    'diff --git a/a b/a\nindex 1..2\n',
  ]) {
    await expect(trusted.applyDiff(Buffer.from(diff))).rejects.toMatchObject({
      type: 'Patch.Unusable',
      nonRetryable: true,
    });
    await expect(trusted.applyDiff(Buffer.from(diff))).rejects.toMatchObject({ type: 'Patch.Unusable' });
  }
});

test('rounds do not make the kept repository grow, nor pile up beside it', async () => {
  const repository = await createRepository({ a: '1\n' });
  const { trusted, workbench } = await openBase(repository);
  const before = await readdir(trusted.gitDir, { recursive: true });
  for (let round = 0; round < 80; round++) {
    const draft = await trusted.draft();
    const { oid } = { oid: (await trusted.entries()).get('a')?.oid ?? '' };
    await draft.write(new Map([[`new-${round}`, { mode: '100644', oid }]]));
  }
  expect(await readdir(trusted.gitDir, { recursive: true })).toEqual(before);
  expect((await readdir(join(workbench.folder, 'bases', 'making'))).length).toBeLessThanOrEqual(64);
});

test('an applied diff is found again, and made again when its objects are gone', async () => {
  const repository = await createRepository({ a: '1\n' });
  const { trusted } = await openBase(repository);
  const diff = await diffOf(repository, { a: '2\n' });
  const tree = await trusted.applyDiff(diff);
  for (let round = 0; round < 65; round++) await (await trusted.draft()).write(new Map([['a', null]]));
  await expect(trusted.applyDiff(diff)).resolves.toBe(tree);
  await expect(trusted.diff(tree)).resolves.toEqual(diff);
});

test('an unknown blob is refused', async () => {
  const { trusted } = await openBase(await createRepository());
  await expect(trusted.readBlob('e'.repeat(40), 10)).rejects.toMatchObject({ type: 'Patch.Unusable' });
  await expect(trusted.readBlob(trusted.tree, 1000)).rejects.toMatchObject({ type: 'Patch.Unusable' });
});

test.runIf(process.getuid?.() === 0)('a full disk is no fault of the base or of the diff, and passes', async () => {
  const repository = await createRepository({ a: randomBytes(100_000) });
  const { base, workbench } = await openBase(repository);
  const disk = await smallDisk('1m');
  const repositories = createBaseRepositories(join(disk.folder, 'bases'), workbench.artifacts);
  const filler = join(disk.folder, 'filler');
  // Leaves room for our own small files: it is git that must find none.
  const fill = async () => {
    const { bavail, bsize } = await statfs(disk.folder);
    await writeFile(filler, Buffer.alloc(bavail * bsize - 64 * 1024));
  };

  await fill();
  await expect(repositories.open(base)).rejects.not.toMatchObject({ nonRetryable: true });
  await rm(filler);
  const trusted = await repositories.open(base);

  const diff = await diffOf(repository, { b: randomBytes(100_000) });
  await fill();
  await expect(trusted.applyDiff(diff)).rejects.not.toMatchObject({ nonRetryable: true });
  await rm(filler);
  expect(await trusted.changes(await trusted.applyDiff(diff))).toMatchObject([{ path: 'b', status: 'added' }]);
});
