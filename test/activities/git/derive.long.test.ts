import { appendFile, chmod, link, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveChange } from '../../../activities/ports/git/derive.ts';
import type { DeriveLimits } from '../../../activities/ports/git/port.ts';
import { checkOut, commitFiles, createRepository, openBase, plainGit, writeFiles } from '../../helpers/repositories.ts';
import type { FileSpec } from '../../helpers/repositories.ts';
import { limits } from './limits.ts';

/** A worktree of a base with these files, and what is derived of it after `change`. */
async function derived(
  files: Record<string, FileSpec>,
  change: (worktree: string) => Promise<unknown>,
  with_: Partial<DeriveLimits> = {},
) {
  const { trusted } = await openBase(await createRepository(files));
  const worktree = await checkOut(trusted);
  await change(worktree);
  const result = await deriveChange(worktree, trusted, { ...limits, ...with_ });
  const files_ = result.diff === null ? [] : await trusted.changes(result.tree);
  return {
    ...result,
    trusted,
    worktree,
    paths: files_.map(({ path }) => path),
    rules: result.findings.map(({ rule }) => rule),
  };
}

test('nothing changed is no diff and the base’s tree', async () => {
  const { tree, diff, findings, trusted } = await derived(
    { a: '1', 'b/c': { content: 'x', mode: 0o755 }, l: { link: '/etc/passwd' } },
    () => Promise.resolve(),
  );
  expect({ tree, diff, findings }).toEqual({ tree: trusted.tree, diff: null, findings: [] });
});

test('the tree is the one plain git makes of the same worktree, for any change', { timeout: 120_000 }, async () => {
  const repository = await createRepository({
    a: '1\n',
    'd/b': '2\n',
    'd/e/c': '3\n',
    run: { content: 'x', mode: 0o755 },
    l: { link: 'a' },
    '.gitattributes': '* text=auto eol=crlf\n',
  });
  const { trusted } = await openBase(repository);
  const path = fc.constantFrom('a', 'd', 'd/b', 'd/e', 'd/e/c', 'run', 'l', 'new', 'new/x', 'd/new', 'x y/ü');
  const step = fc.record({
    path,
    what: fc.oneof(
      fc.constantFrom('remove', 'link', 'executable'),
      fc.string({ unit: 'binary', maxLength: 20 }).map((content) => ({ content })),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
      const worktree = await checkOut(trusted);
      for (const { path: at, what } of steps) await act(worktree, at, what);
      const result = await deriveChange(worktree, trusted, limits);
      expect(result.findings.filter(({ severity }) => severity === 'deny')).toEqual([]);
      await plainGit(worktree, 'add', '--all', '--force');
      expect(result.tree).toBe(await plainGit(worktree, 'write-tree'));
      if (result.diff !== null) expect(await trusted.applyDiff(result.diff)).toBe(result.tree);
    }),
    { numRuns: 40 },
  );
});

async function act(
  worktree: string,
  path: string,
  what: 'remove' | 'link' | 'executable' | { readonly content: string },
): Promise<void> {
  const file = join(worktree, path);
  if (what === 'executable') return chmod(file, 0o755).catch(() => {});
  await rm(file, { recursive: true, force: true }).catch(() => {});
  if (what === 'remove') return;
  await mkdir(join(file, '..'), { recursive: true }).catch(() => {});
  // Where a file stands in the way, nothing is written.
  await (what === 'link' ? symlink('elsewhere', file) : writeFile(file, what.content)).catch(() => {});
}

describe('ignored files', () => {
  const base = {
    '.gitignore': 'build/\n*.log\n!keep.log\n/top\nsub/*\n!sub/keep\n',
    'src/.gitignore': '*.o\n',
    'src/a.c': 'x',
    'tracked.log': 'old\n',
  };

  test('of the base’s rules are left out and told', async () => {
    const { paths, findings } = await derived(base, (worktree) =>
      writeFiles(worktree, {
        'build/a/b': '12345',
        'deep/build/x': '1',
        'x.log': '12',
        'keep.log': 'k',
        top: 't',
        'src/top': 't',
        'src/a.o': 'o',
        'a.o': 'o',
        'sub/drop': 'd',
        'sub/keep': 'k',
      }),
    );
    expect(paths).toEqual(['a.o', 'keep.log', 'src/top', 'sub/keep']);
    expect(findings).toEqual([
      {
        severity: 'info',
        rule: 'worktree.ignored',
        message: 'Left out 6 files, 11 bytes that the base ignores: build/, top, x.log, deep/build/, src/a.o, sub/drop',
      },
    ]);
  });

  test('that the base tracks are never left out', async () => {
    const { paths } = await derived(base, (worktree) => appendFile(join(worktree, 'tracked.log'), 'new\n'));
    expect(paths).toEqual(['tracked.log']);
  });

  test('of the agent’s own rules are not', async () => {
    const { paths } = await derived(base, async (worktree) => {
      await writeFile(join(worktree, '.gitignore'), '*\n');
      await writeFiles(worktree, {
        'src/.gitignore': '*\n',
        'new/.gitignore': '*\n',
        'new/hidden': 'x',
        other: 'x',
        'x.log': 'y',
      });
      await mkdir(join(worktree, '.git', 'info'), { recursive: true });
      await writeFile(join(worktree, '.git', 'info', 'exclude'), '*\n');
    });
    expect(paths).toEqual(['.gitignore', 'new/.gitignore', 'new/hidden', 'other', 'src/.gitignore']);
  });

  test('do not count against the limits, nor are they judged', async () => {
    const { paths, rules } = await derived(
      base,
      async (worktree) => {
        for (let n = 0; n < 50; n++) await writeFiles(worktree, { [`build/${n}`]: 'x' });
        await writeFiles(worktree, { 'build/.git/config': 'x', 'build/link': { link: '/etc/passwd' }, new: 'x' });
      },
      { maxEntries: 10 },
    );
    expect({ paths, rules }).toEqual({ paths: ['new'], rules: ['worktree.ignored'] });
  });

  test('with names that look like pathspecs or patterns are asked for by name', async () => {
    const { paths } = await derived(base, (worktree) =>
      writeFiles(worktree, {
        ':(top)x': '1',
        ':!y': '1',
        '*.c': '1',
        '!z': '1',
        '-v': '1',
        new: '1',
        ':(top)a.log': '1',
      }),
    );
    expect(paths).toEqual(['!z', '*.c', '-v', ':!y', ':(top)x', 'new']);
  });
});

describe('runtime folders', () => {
  test('never enter', async () => {
    const { paths, findings } = await derived({ a: '1' }, (worktree) =>
      writeFiles(worktree, {
        'logs/x': '12',
        'memory/deep/y': '345',
        '.masfactory_runtime/z': '',
        'src/logs/kept': 'x',
      }),
    );
    expect(paths).toEqual(['src/logs/kept']);
    expect(findings[0]?.message).toBe(
      'Left out 3 files, 5 bytes that agents leave at run time: .masfactory_runtime/, logs/, memory/',
    );
  });

  test('keep what the base tracks, and nothing new beside it', async () => {
    const { paths, rules } = await derived({ 'logs/tracked': 'x', 'memory/gone': 'x' }, async (worktree) => {
      await writeFiles(worktree, { 'logs/tracked': 'changed', 'logs/new': 'x', 'logs/deep/new': 'x' });
      await rm(join(worktree, 'memory'), { recursive: true });
    });
    expect({ paths, rules }).toEqual({ paths: ['logs/tracked', 'memory/gone'], rules: ['worktree.runtime'] });
  });
});

describe('what a person should see', () => {
  test('links and executables are shown, with where they lead', async () => {
    const { findings, paths } = await derived({ a: '1', run: { content: 'x', mode: 0o755 } }, async (worktree) => {
      await writeFiles(worktree, { 'd/l': { link: '../a' }, new: { content: 'x', mode: 0o755 } });
      await chmod(join(worktree, 'a'), 0o755);
      await appendFile(join(worktree, 'run'), 'y');
    });
    expect(paths).toEqual(['a', 'd/l', 'new', 'run']);
    expect(findings.map(({ severity, rule, path, message }) => [severity, rule, path, message])).toEqual([
      ['review', 'worktree.symlink', 'd/l', 'A symbolic link to ../a'],
      ['review', 'worktree.executable', 'a', 'Made executable'],
      ['review', 'worktree.executable', 'new', 'Made executable'],
    ]);
  });

  test('hard links within the tree become files', async () => {
    const { findings, paths } = await derived({ a: '1' }, async (worktree) => {
      await writeFile(join(worktree, 'one'), 'x');
      await link(join(worktree, 'one'), join(worktree, 'two'));
    });
    expect(paths).toEqual(['one', 'two']);
    expect(findings.map(({ rule, severity }) => [rule, severity])).toEqual([
      ['worktree.hardlink', 'review'],
      ['worktree.hardlink', 'review'],
    ]);
  });
});

describe('what the base has already is no reason to refuse', () => {
  test('links out, odd names, collisions, big files', async () => {
    const repository = await createRepository({
      out: { link: '/etc/passwd' },
      up: { link: '../../x' },
      README: '1',
      readme: '2',
      big: Buffer.alloc(200_000),
      'bi\u202edi': 'x',
      'tab\t': 'x',
    });
    await writeFile(Buffer.concat([Buffer.from(`${repository}/`), Buffer.from([0xff, 0xfe])]), 'x');
    await commitFiles(repository, {});
    const { trusted } = await openBase(repository);
    const worktree = await checkOut(trusted);
    await writeFile(join(worktree, 'new'), 'x');
    const small = { ...limits, maxFileBytes: 1000, maxTotalBytes: 1000, maxEntries: 2 };
    const { findings, tree } = await deriveChange(worktree, trusted, small);
    expect(findings).toEqual([]);
    expect((await trusted.changes(tree)).map(({ path }) => path)).toEqual(['new']);
    await writeFile(join(worktree, 'big'), Buffer.alloc(200_000, 1));
    expect((await deriveChange(worktree, trusted, small)).findings[0]).toMatchObject({
      severity: 'deny',
      rule: 'worktree.file_bytes',
    });
  });

  test('a submodule that is left alone', async () => {
    const repository = await createRepository();
    await plainGit(repository, 'update-index', '--add', '--cacheinfo', `160000,${'e'.repeat(40)},sub`);
    await plainGit(repository, 'commit', '--quiet', '-m', 'submodule');
    const { trusted } = await openBase(repository);
    const worktree = await checkOut(trusted);
    expect(await deriveChange(worktree, trusted, limits)).toMatchObject({
      tree: trusted.tree,
      diff: null,
      findings: [],
    });
    await writeFile(join(worktree, 'sub', 'x'), 'x');
    expect((await deriveChange(worktree, trusted, limits)).findings[0]).toMatchObject({
      severity: 'deny',
      rule: 'worktree.submodule',
    });
    await rm(join(worktree, 'sub'), { recursive: true });
    const removed = await deriveChange(worktree, trusted, limits);
    expect((await trusted.changes(removed.tree)).map(({ path, status }) => [path, status])).toEqual([
      ['sub', 'deleted'],
    ]);
  });

  test('a renaming in case only, once the old name is gone', async () => {
    const { paths, findings } = await derived({ README: '1' }, (worktree) =>
      rename(join(worktree, 'README'), join(worktree, 'readme')),
    );
    expect({ paths, findings }).toEqual({ paths: ['README', 'readme'], findings: [] });
  });
});

describe('limits', () => {
  const files = (count: number, bytes: number) => (worktree: string) =>
    writeFiles(worktree, Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, 'x'.repeat(bytes)])));

  test.each<[string, (worktree: string) => Promise<unknown>, Partial<DeriveLimits>, string]>([
    ['changes', files(3, 1), { maxChanges: 2 }, 'worktree.changes'],
    ['entries', files(3, 1), { maxEntries: 2 }, 'worktree.entries'],
    ['bytes of a file', files(1, 11), { maxFileBytes: 10 }, 'worktree.file_bytes'],
    ['bytes in all', files(3, 5), { maxTotalBytes: 14 }, 'worktree.bytes'],
    ['depth', (worktree) => writeFiles(worktree, { 'p/b/c/d': 'x' }), { maxDepth: 2 }, 'worktree.depth'],
    ['length of a path', (worktree) => writeFiles(worktree, { 'abc/def': 'x' }), { maxPathBytes: 6 }, 'worktree.name'],
  ])('on %s refuse what is over them, and take what is just below', async (_what, change, with_, rule) => {
    const refused = await derived({ a: '1' }, change, with_);
    expect(refused).toMatchObject({ diff: null, tree: refused.trusted.tree });
    expect(refused.findings).toContainEqual(expect.objectContaining({ severity: 'deny', rule }));
    const raised = Object.fromEntries(Object.entries(with_).map(([name, value]) => [name, value + 1]));
    expect((await derived({ a: '1' }, change, raised)).diff).not.toBeNull();
  });
});

test('findings are never more than history takes, and say how many are missing', async () => {
  const { findings } = await derived({ a: '1' }, async (worktree) => {
    for (let n = 0; n < 120; n++) await symlink('/etc/passwd', join(worktree, `l${n}`));
  });
  expect(findings).toHaveLength(50);
  expect(findings.at(-1)).toEqual({
    severity: 'deny',
    rule: 'worktree.findings',
    message: '71 more findings are not shown',
  });
});
