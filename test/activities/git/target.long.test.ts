import { appendFile, chmod, chown, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCandidate, writeCandidate } from '../../../activities/ports/git/candidate.ts';
import { deriveChange } from '../../../activities/ports/git/derive.ts';
import { openTarget } from '../../../activities/ports/git/target.ts';
import {
  checkOut,
  commitFiles,
  createRepository,
  openBase,
  plainGit,
  temporaryFolder,
} from '../../helpers/repositories.ts';
import { limits } from './limits.ts';

const branch = 'refs/heads/aas/ses-1';
const job = `sha256:${'ab'.repeat(32)}` as const;

/** A candidate that adds a line to the readme, ready to be written to `repository`. */
async function prepare(repository: string) {
  const { base, trusted } = await openBase(repository, 'main');
  const worktree = await checkOut(trusted);
  await appendFile(join(worktree, 'readme.md'), 'more\n');
  await writeFile(join(worktree, 'crlf'), 'a\r\n');
  const { tree, diff } = await deriveChange(worktree, trusted, limits);
  if (diff === null) throw new Error('Expected a change');
  const createdAt = '2026-03-04T05:06:07.890Z';
  const candidate = writeCandidate({
    diff,
    goal: 'Say more',
    sessionId: 'ses-1',
    job,
    baseCommit: base.commit,
    createdAt,
  });
  return { base, repository: trusted, tree, candidate, branch };
}

/** Everything of a repository that a write must leave alone. */
async function stateOf(repository: string) {
  return {
    refs: await plainGit(repository, 'for-each-ref', '--format=%(refname) %(objectname)'),
    head: await readFile(join(repository, '.git', 'HEAD'), 'utf8'),
    status: await plainGit(repository, 'status', '--porcelain'),
    config: await readFile(join(repository, '.git', 'config'), 'utf8'),
  };
}

test('the branch has one commit of ours on the base, as git am would have made it', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  const before = await stateOf(repository);
  const target = await openTarget(repository);
  const oid = await target.writeBranch(request);
  expect(await target.head(branch)).toBe(oid);
  expect(target.key).toBe(request.base.repositoryKey);
  const after = await stateOf(repository);
  expect(after).toEqual({ ...before, refs: `${branch} ${oid}\n${before.refs}` });
  const date = '2026-03-04T05:06:07+00:00';
  expect(await plainGit(repository, 'log', '-1', '--format=%T %P %an %ae %aI %cn %ce %cI', branch)).toBe(
    `${request.tree} ${request.base.commit} AAS aas@localhost ${date} AAS aas@localhost ${date}`,
  );
  expect(`${await plainGit(repository, 'log', '-1', '--format=%B', branch)}\n`).toBe(
    readCandidate(request.candidate).message,
  );
  await plainGit(repository, 'fsck', '--strict');
});

test('writing again finds the earlier result, also when the base has moved since', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  const target = await openTarget(repository);
  const oid = await target.writeBranch(request);
  expect(await target.writeBranch(request)).toBe(oid);
  await commitFiles(repository, { other: 'x' });
  expect(await (await openTarget(repository)).writeBranch(request)).toBe(oid);
});

test('a branch that is anything else is refused and left', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  await plainGit(repository, 'update-ref', branch, 'HEAD');
  const target = await openTarget(repository);
  await expect(target.writeBranch(request)).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
  expect(await target.head(branch)).toBe(request.base.commit);
});

test.each(['refs/heads/aas/other', 'refs/heads/release', 'refs/tags/v1'])(
  'a branch that only points at %s, which is not there, is written itself: no other ref comes to be',
  async (other) => {
    const repository = await createRepository();
    const request = await prepare(repository);
    await plainGit(repository, 'symbolic-ref', branch, other);
    const { refs } = await stateOf(repository);
    const oid = await (await openTarget(repository)).writeBranch(request);
    expect(await stateOf(repository)).toMatchObject({ refs: `${branch} ${oid}\n${refs}` });
    expect(await readFile(join(repository, '.git', branch), 'utf8')).toBe(`${oid}\n`);
  },
);

test('ten writers at once write one commit', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  const oids = await Promise.all(
    Array.from({ length: 10 }, async () => (await openTarget(repository)).writeBranch(request)),
  );
  expect(new Set(oids).size).toBe(1);
  expect(await plainGit(repository, 'rev-list', '--count', 'main..aas/ses-1')).toBe('1');
});

test('of two writers with different candidates one wins and the other is refused', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  const { diff } = readCandidate(request.candidate);
  const candidate = writeCandidate({
    diff,
    goal: 'Other words',
    sessionId: 'ses-1',
    job,
    baseCommit: request.base.commit,
    createdAt: '2026-03-04T05:06:07Z',
  });
  const target = await openTarget(repository);
  const results = await Promise.allSettled([
    target.writeBranch(request),
    target.writeBranch({ ...request, candidate }),
  ]);
  const [written, ...others] = results.filter(({ status }) => status === 'fulfilled');
  expect(others).toEqual([]);
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { type: 'Evidence.Invalid' } });
  expect(written).toMatchObject({ value: await target.head(branch) });
});

test('a base that moved meanwhile stops the write, and may be tried again', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  await commitFiles(repository, { other: 'x' });
  const target = await openTarget(repository);
  const error: unknown = await target.writeBranch(request).catch((failure: unknown) => failure);
  expect(String(error)).toContain('refs/heads/main of');
  expect(String(error)).toContain('moved while the branch was written');
  expect(error).not.toHaveProperty('nonRetryable', true);
  expect(await target.head(branch)).toBeNull();
});

test('no hook, filter or setting of the target runs', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  const marker = join(repository, 'marker');
  const script = `#!/bin/sh\ntouch ${marker}\nexit 1\n`;
  const hooks = join(repository, '.git', 'hooks');
  for (const hook of [
    'reference-transaction',
    'update',
    'pre-receive',
    'post-receive',
    'post-update',
    'pre-commit',
    'post-commit',
    'post-checkout',
    'pre-auto-gc',
    'fsmonitor-watchman',
  ]) {
    await writeFile(join(hooks, hook), script, { mode: 0o755 });
  }
  await writeFile(
    join(repository, '.git', 'config'),
    `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = "touch ${marker}"\n\thooksPath = ${hooks}\n\talternateRefsCommand = "touch ${marker}"\n` +
      `[receive]\n\tdenyCurrentBranch = updateInstead\n[gc]\n\tauto = 1\n[filter "x"]\n\tclean = "touch ${marker}"\n\tsmudge = "touch ${marker}"\n`,
  );
  await writeFile(join(repository, '.git', 'info', 'attributes'), '* filter=x\n');
  const target = await openTarget(repository);
  await target.writeBranch(request);
  await expect(stat(marker)).rejects.toThrow('ENOENT');
  // The hook is one that would have run.
  await plainGit(repository, 'update-ref', 'refs/heads/other', 'HEAD').catch(() => {});
  await expect(stat(marker)).resolves.toBeDefined();
});

test('a bare target takes the branch', async () => {
  const bare = join(await temporaryFolder(), 'bare.git');
  await plainGit('/', 'clone', '--quiet', '--bare', await createRepository(), bare);
  const request = await prepare(bare);
  const oid = await (await openTarget(`file://${bare}`)).writeBranch(request);
  expect(await plainGit(bare, 'rev-parse', 'aas/ses-1')).toBe(oid);
});

test('a branch that a worktree stands on is refused, before it exists too', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  await plainGit(repository, 'symbolic-ref', 'HEAD', branch);
  const target = await openTarget(repository);
  await expect(target.writeBranch(request)).rejects.toMatchObject({ type: 'Source.Unusable' });
  expect(await target.head(branch)).toBeNull();
});

test('a target without the base commit is refused', async () => {
  const request = await prepare(await createRepository());
  const other = await createRepository({ other: 'x' });
  const base = { ...request.base, ref: null };
  await expect((await openTarget(other)).writeBranch({ ...request, base })).rejects.toMatchObject({
    type: 'Source.Unusable',
  });
  expect(await plainGit(other, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
});

test.each([
  'refs/heads/main',
  'refs/heads/aas/../main',
  'refs/heads/aas/x y',
  'aas/x',
  'refs/tags/aas/x',
  'refs/heads/aas/x\ndelete refs/heads/main',
])('the branch %j is refused', async (name) => {
  const repository = await createRepository();
  const request = await prepare(repository);
  await expect((await openTarget(repository)).writeBranch({ ...request, branch: name })).rejects.toMatchObject({
    type: 'Input.Bad',
  });
});

test('a candidate that is not AAS’s own bytes is refused', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  const candidate = Buffer.concat([request.candidate, Buffer.from('\n')]);
  await expect((await openTarget(repository)).writeBranch({ ...request, candidate })).rejects.toMatchObject({
    type: 'Patch.Unusable',
  });
});

test('a tag of a branch name is no branch, and an unknown ref is null', async () => {
  const repository = await createRepository();
  await plainGit(repository, 'tag', '-a', 'v1', '-m', 'x');
  const target = await openTarget(repository);
  const head = await plainGit(repository, 'rev-parse', 'HEAD');
  expect(await target.head('refs/tags/v1')).toBe(head);
  expect(await target.head('refs/heads/v1')).toBeNull();
});

test('a URL has no branch to write', async () => {
  const target = await openTarget('https://example.com/x.git');
  expect(target.key).toBe('https://example.com/x');
  const request = await prepare(await createRepository());
  await expect(target.writeBranch(request)).rejects.toMatchObject({ type: 'Input.Bad' });
});

test.runIf(process.getuid?.() === 0)('what root writes into somebody’s repository is theirs', async () => {
  const repository = await createRepository();
  const request = await prepare(repository);
  const owner = 12_345;
  // The temporary folder of a whole test run is closed to others.
  if (((await stat(tmpdir())).mode & 0o001) === 0) await chmod(tmpdir(), 0o711);
  for (const path of ['.', ...(await readdir(repository, { recursive: true }))])
    await chown(join(repository, path), owner, owner);
  await (await openTarget(repository)).writeBranch(request);
  for (const path of await readdir(join(repository, '.git'), { recursive: true })) {
    expect([path, (await stat(join(repository, '.git', path))).uid]).toEqual([path, owner]);
  }
});
