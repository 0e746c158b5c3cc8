/**
 * Hostile worktrees: everything an agent may leave behind to run code on the host, to bring a byte of the host into the
 * change, to hide a change, or to hang whoever looks. What git itself would do in each is known; here nobody asks git.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { appendFile, chmod, link, mkdir, open, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { deriveChange } from '../../activities/ports/git/derive.ts';
import type { TrustedRepository } from '../../activities/ports/git/port.ts';
import {
  checkOut,
  createRepository,
  makeFifo,
  openBase,
  plainGit,
  temporaryFolder,
  writeFiles,
} from '../helpers/repositories.ts';

const run = promisify(execFile);
const limits = {
  maxEntries: 50_000,
  maxDepth: 64,
  maxPathBytes: 1024,
  maxFileBytes: 1 << 24,
  maxTotalBytes: 1 << 29,
  maxChanges: 2000,
};
const secret = 'HOST-SECRET-4711';
const deadlineMs = 15_000;

interface Attack {
  readonly worktree: string;
  /** A file of the host, beside the worktree. */
  readonly hostFile: string;
  /** A program that would leave `marker` behind if anything ran it. */
  readonly payload: string;
}

interface Outcome {
  readonly kind: 'refused' | 'derived' | 'unchanged';
  readonly rules: string[];
  readonly paths: string[];
  readonly diff: string;
}

/** The visible change that each attack tries to keep from us, or to ride on. */
const visible = 'src/visible.txt';
const base = {
  'src/visible.txt': 'before\n',
  'readme.md': 'hello\n',
  '.gitignore': '*.log\n',
  'tool.sh': { content: '#!/bin/sh\n', mode: 0o755 },
} as const;

async function attack(prepare: (attack: Attack) => Promise<unknown>): Promise<Outcome> {
  const { trusted } = await openBase(await createRepository(base));
  const folder = await temporaryFolder();
  const hostFile = join(folder, 'host-secret');
  const marker = join(folder, 'marker');
  const payload = join(folder, 'payload');
  await writeFile(hostFile, `${secret}\n`);
  await writeFile(payload, `#!/bin/sh\ntouch ${marker}\ncat\n`, { mode: 0o755 });
  const worktree = await checkOut(trusted);
  await writeFile(join(worktree, visible), 'after\n');
  await prepare({ worktree, hostFile, payload });
  const outcome = await derive(worktree, trusted);
  await expect(stat(marker)).rejects.toThrow('ENOENT');
  expect(outcome.diff).not.toContain(secret);
  return outcome;
}

async function derive(worktree: string, trusted: TrustedRepository): Promise<Outcome> {
  const started = performance.now();
  const { tree, diff, findings } = await deriveChange(worktree, trusted, limits);
  expect(performance.now() - started).toBeLessThan(deadlineMs);
  const denied = findings.filter(({ severity }) => severity === 'deny');
  if (denied.length > 0) expect({ tree, diff }).toEqual({ tree: trusted.tree, diff: null });
  return {
    kind: denied.length > 0 ? 'refused' : diff === null ? 'unchanged' : 'derived',
    rules: findings.map(({ rule }) => rule),
    paths: diff === null ? [] : (await trusted.changes(tree)).map(({ path }) => path),
    diff: diff?.toString('latin1') ?? '',
  };
}

const git = (worktree: string, ...args: string[]) => plainGit(worktree, ...args);

describe('settings of the worktree’s own git change nothing: the visible change is derived, and nothing runs', () => {
  const attacks: Record<string, (attack: Attack) => Promise<unknown>> = {
    'a clean filter': async ({ worktree, payload }) => {
      await git(worktree, 'config', 'filter.evil.clean', payload);
      await git(worktree, 'config', 'filter.evil.process', payload);
      await git(worktree, 'config', 'filter.evil.required', 'true');
      await appendFile(join(worktree, '.git', 'info', 'attributes'), '* filter=evil\n');
    },
    'core.fsmonitor': ({ worktree, payload }) => git(worktree, 'config', 'core.fsmonitor', payload),
    'hooks of every name': async ({ worktree, payload }) => {
      await mkdir(join(worktree, '.git', 'hooks'));
      for (const hook of [
        'post-index-change',
        'pre-commit',
        'post-checkout',
        'reference-transaction',
        'fsmonitor-watchman',
        'pre-auto-gc',
      ]) {
        await symlink(payload, join(worktree, '.git', 'hooks', hook));
      }
    },
    'core.hooksPath': async ({ worktree, payload }) => {
      await mkdir(join(worktree, '.git', 'h'));
      await symlink(payload, join(worktree, '.git', 'h', 'post-index-change'));
      await git(worktree, 'config', 'core.hooksPath', '.git/h');
    },
    'core.worktree on the host': ({ worktree, hostFile }) =>
      git(worktree, 'config', 'core.worktree', join(hostFile, '..')),
    'an external diff, a text converter, a pager, an editor, an ssh': async ({ worktree, payload }) => {
      for (const key of [
        'diff.external',
        'diff.evil.textconv',
        'core.pager',
        'pager.diff',
        'core.editor',
        'core.sshCommand',
        'core.gitProxy',
        'gpg.program',
        'credential.helper',
        'sequence.editor',
      ]) {
        await git(worktree, 'config', key, payload);
      }
      await appendFile(join(worktree, '.git', 'info', 'attributes'), '* diff=evil\n');
    },
    'an include of a file of the host': ({ worktree, hostFile }) => git(worktree, 'config', 'include.path', hostFile),
    'a promisor remote over ext::': async ({ worktree, payload }) => {
      await git(worktree, 'config', 'core.repositoryFormatVersion', '1');
      await git(worktree, 'config', 'extensions.partialClone', 'evil');
      await git(worktree, 'config', 'remote.evil.url', `ext::${payload}`);
      await git(worktree, 'config', 'protocol.ext.allow', 'always');
      await rm(join(worktree, '.git', 'objects', 'pack'), { recursive: true });
    },
    'objects borrowed from the host': async ({ worktree, hostFile }) => {
      await mkdir(join(worktree, '.git', 'objects', 'info'));
      await writeFile(join(worktree, '.git', 'objects', 'info', 'alternates'), `${join(hostFile, '..')}\n`);
    },
    'a replaced commit': async ({ worktree }) => {
      const commit = await git(worktree, 'rev-parse', 'base');
      await git(worktree, 'add', '--all');
      await git(worktree, 'commit', '--quiet', '-m', 'x');
      await git(worktree, 'replace', commit, 'HEAD');
      // For git the base is now what the agent made of it.
      expect(await git(worktree, 'diff', commit)).toBe('');
    },
    'a commit of its own, HEAD moved': async ({ worktree }) => {
      await git(worktree, 'add', '--all');
      await git(worktree, 'commit', '--quiet', '-m', 'nothing to see');
    },
    'info/exclude': ({ worktree }) => writeFile(join(worktree, '.git', 'info', 'exclude'), '*\n'),
    'assume-unchanged and skip-worktree': async ({ worktree }) => {
      await git(worktree, 'update-index', '--assume-unchanged', visible);
      await git(worktree, 'update-index', '--skip-worktree', visible);
    },
    'core.fileMode, core.ignoreCase, core.symlinks': async ({ worktree }) => {
      for (const [key, value] of [
        ['fileMode', 'false'],
        ['ignoreCase', 'true'],
        ['symlinks', 'false'],
        ['autocrlf', 'true'],
      ] as const) {
        await git(worktree, 'config', `core.${key}`, value);
      }
    },
    'a sparse checkout': async ({ worktree }) => {
      await git(worktree, 'checkout', '--quiet', '--', visible);
      await git(worktree, 'sparse-checkout', 'set', '--no-cone', '/*', '!/src/');
      await git(worktree, 'config', 'sparse.expectFilesOutsideOfPatterns', 'true');
      await writeFiles(worktree, { [visible]: 'after\n' });
      // For git there is nothing to see.
      expect(await git(worktree, 'status', '--porcelain')).toBe('');
    },
    'a FIFO as .git/HEAD': async ({ worktree }) => {
      await rm(join(worktree, '.git', 'HEAD'));
      await makeFifo(join(worktree, '.git', 'HEAD'));
    },
    'a FIFO as .git/index and .git/config': async ({ worktree }) => {
      for (const name of ['index', 'config']) {
        await rm(join(worktree, '.git', name));
        await makeFifo(join(worktree, '.git', name));
      }
    },
    'no .git at all': ({ worktree }) => rm(join(worktree, '.git'), { recursive: true }),
    'a .git file that points at the host': async ({ worktree, hostFile }) => {
      await rm(join(worktree, '.git'), { recursive: true });
      await writeFile(join(worktree, '.git'), `gitdir: ${hostFile}\n`);
    },
    'a .git that is a link to the host': async ({ worktree, hostFile }) => {
      await rm(join(worktree, '.git'), { recursive: true });
      await symlink(join(hostFile, '..'), join(worktree, '.git'));
    },
    'a .git that is a FIFO': async ({ worktree }) => {
      await rm(join(worktree, '.git'), { recursive: true });
      await makeFifo(join(worktree, '.git'));
    },
    'times set back': async ({ worktree }) => {
      await run('touch', ['-d', '2001-01-01', join(worktree, visible)]);
    },
  };

  test.each(Object.keys(attacks))('%s', async (name) => {
    const outcome = await attack((context) => attacks[name]?.(context) ?? Promise.reject(new Error('No such attack')));
    expect(outcome).toMatchObject({ kind: 'derived', paths: [visible] });
    expect(outcome.diff).toContain('-before\n+after\n');
  });
});

describe('files that rule over git are changes like any other, and rule over nothing', () => {
  const attacks: Record<string, { files: Record<string, string>; hidden: string }> = {
    'attributes with filters, conversions and -diff': {
      files: { '.gitattributes': '* filter=evil text eol=crlf -diff ident working-tree-encoding=UTF-16\n' },
      hidden: '.gitattributes',
    },
    'attributes deep down': { files: { 'src/.gitattributes': '*.txt -diff binary\n' }, hidden: 'src/.gitattributes' },
    'ignore rules': { files: { '.gitignore': '*\n', 'src/.gitignore': '*\n' }, hidden: 'src/.gitignore' },
    'a hidden script under an ignored name of its own': {
      files: { '.gitignore': '*.log\nhidden\n', hidden: 'x' },
      hidden: 'hidden',
    },
    'submodule settings': {
      files: { '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c id\n\tupdate = !id\n' },
      hidden: '.gitmodules',
    },
    'a mailmap and a hook manager': {
      files: { '.mailmap': 'x', '.husky/pre-commit': 'id' },
      hidden: '.husky/pre-commit',
    },
  };

  test.each(Object.keys(attacks))('%s', async (name) => {
    const { files = {}, hidden = '' } = attacks[name] ?? {};
    const outcome = await attack(({ worktree }) => writeFiles(worktree, files));
    expect(outcome.kind).toBe('derived');
    expect(outcome.paths).toEqual(expect.arrayContaining([visible, hidden]));
    expect(outcome.diff).toContain('-before\n+after\n');
  });

  test('a mode that git was told to overlook', async () => {
    const outcome = await attack(async ({ worktree }) => {
      await git(worktree, 'config', 'core.fileMode', 'false');
      await chmod(join(worktree, 'readme.md'), 0o755);
    });
    expect(outcome).toMatchObject({ kind: 'derived', paths: ['readme.md', visible], rules: ['worktree.executable'] });
  });
});

describe('what cannot be part of a change refuses it, with the place', () => {
  const attacks: Record<string, { rule: string; prepare: (attack: Attack) => Promise<unknown> }> = {
    'a FIFO': { rule: 'worktree.special', prepare: ({ worktree }) => makeFifo(join(worktree, 'fifo')) },
    'a FIFO as .gitattributes': {
      rule: 'worktree.special',
      prepare: ({ worktree }) => makeFifo(join(worktree, '.gitattributes')),
    },
    'a FIFO as the base’s .gitignore': {
      rule: 'worktree.special',
      prepare: async ({ worktree }) => {
        await rm(join(worktree, '.gitignore'));
        await makeFifo(join(worktree, '.gitignore'));
      },
    },
    'a FIFO in the place of a tracked file': {
      rule: 'worktree.special',
      prepare: async ({ worktree }) => {
        await rm(join(worktree, 'readme.md'));
        await makeFifo(join(worktree, 'readme.md'));
      },
    },
    'a socket': { rule: 'worktree.special', prepare: ({ worktree }) => listen(join(worktree, 'socket')) },
    'a link to a file of the host': {
      rule: 'worktree.symlink',
      prepare: ({ worktree, hostFile }) => symlink(hostFile, join(worktree, 'link')),
    },
    'a link out by dots': {
      rule: 'worktree.symlink',
      prepare: ({ worktree }) => symlink('../../../../etc/shadow', join(worktree, 'src', 'link')),
    },
    'a link out through another link': {
      rule: 'worktree.symlink',
      prepare: async ({ worktree }) => {
        await writeFiles(worktree, { 'a/b/here': { link: '../..' }, out: { link: 'a/b/here/../host-secret' } });
      },
    },
    'a link into .git': {
      rule: 'worktree.symlink',
      prepare: ({ worktree }) => symlink('.git/config', join(worktree, 'config')),
    },
    'a folder that became a link to the host': {
      rule: 'worktree.symlink',
      prepare: async ({ worktree, hostFile }) => {
        await rm(join(worktree, 'src'), { recursive: true });
        await symlink(join(hostFile, '..'), join(worktree, 'src'));
      },
    },
    'a hard link to a file of the host': {
      rule: 'worktree.hardlink',
      prepare: ({ worktree, hostFile }) => link(hostFile, join(worktree, 'hard')),
    },
    'a tracked file that became a hard link to the host': {
      rule: 'worktree.hardlink',
      prepare: async ({ worktree, hostFile }) => {
        await rm(join(worktree, 'readme.md'));
        await link(hostFile, join(worktree, 'readme.md'));
      },
    },
    'a setuid file': {
      rule: 'worktree.setuid',
      prepare: async ({ worktree }) => {
        await writeFile(join(worktree, 'su'), 'x');
        await chmod(join(worktree, 'su'), 0o4755);
      },
    },
    'a tracked file made setgid': {
      rule: 'worktree.setuid',
      prepare: ({ worktree }) => chmod(join(worktree, 'tool.sh'), 0o2755),
    },
    'an embedded repository': {
      rule: 'worktree.name',
      prepare: async ({ worktree }) => {
        await mkdir(join(worktree, 'vendor'));
        await git(join(worktree, 'vendor'), 'init', '--quiet', '--initial-branch=main');
        await writeFiles(join(worktree, 'vendor'), { hidden: 'x' });
      },
    },
    'a .git file in a folder': {
      rule: 'worktree.name',
      prepare: ({ worktree }) => writeFiles(worktree, { 'vendor/.git': 'gitdir: /\n' }),
    },
    ...Object.fromEntries(
      ['.GIT', '.git ', '.git.', '.g\u200cit', 'git~1', '.Git'].map((name) => [
        `a folder named ${JSON.stringify(name)}`,
        {
          rule: 'worktree.name',
          prepare: ({ worktree }: Attack) => writeFiles(worktree, { [`${name}/hooks/post-checkout`]: 'x' }),
        },
      ]),
    ),
    'a name with a terminal sequence': {
      rule: 'worktree.name',
      prepare: ({ worktree }) => writeFiles(worktree, { 'a\u001b[2Jb': 'x' }),
    },
    'a name with a newline': {
      rule: 'worktree.name',
      prepare: ({ worktree }) => writeFiles(worktree, { 'a\nb': 'x' }),
    },
    'a name written backwards': {
      rule: 'worktree.name',
      prepare: ({ worktree }) => writeFiles(worktree, { 'a\u202etxt.exe': 'x' }),
    },
    'a name that is not UTF-8': {
      rule: 'worktree.name',
      prepare: ({ worktree }) =>
        writeFile(Buffer.concat([Buffer.from(`${worktree}/`), Buffer.from([0x61, 0xff])]), 'x'),
    },
    'a name in another case than a tracked one': {
      rule: 'worktree.collision',
      prepare: ({ worktree }) => writeFiles(worktree, { 'README.md': 'x' }),
    },
    'a folder in another case': {
      rule: 'worktree.collision',
      prepare: ({ worktree }) => writeFiles(worktree, { 'SRC/new': 'x' }),
    },
    'two names that are one in another Unicode form': {
      rule: 'worktree.collision',
      prepare: ({ worktree }) => writeFiles(worktree, { 'caf\u00e9': 'x', 'cafe\u0301': 'y' }),
    },
    'a sparse file of 10 TB': {
      rule: 'worktree.file_bytes',
      prepare: ({ worktree }) => sparse(join(worktree, 'huge'), 10 * 1024 ** 4),
    },
    'a tracked file grown to 10 TB': {
      rule: 'worktree.file_bytes',
      prepare: ({ worktree }) => sparse(join(worktree, 'readme.md'), 10 * 1024 ** 4),
    },
    'forty sparse files below the limit of one': {
      rule: 'worktree.bytes',
      prepare: async ({ worktree }) => {
        for (let n = 0; n < 40; n++) await sparse(join(worktree, `huge-${n}`), 1 << 24);
      },
    },
    'folders nested deeper than any path can say': {
      rule: 'worktree.depth',
      prepare: ({ worktree }) => nest(worktree, 2100),
    },
    'a path of 1100 bytes': {
      rule: 'worktree.name',
      prepare: ({ worktree }) =>
        writeFiles(worktree, { [`${`${'d'.repeat(200)}/`.repeat(5)}${'f'.repeat(100)}`]: 'x' }),
    },
    '2001 small changes': {
      rule: 'worktree.changes',
      prepare: async ({ worktree }) => {
        for (let n = 0; n < 2001; n++) await writeFile(join(worktree, `n${n}`), '');
      },
    },
  };

  test.each(Object.keys(attacks))('%s', async (name) => {
    const { rule, prepare } = attacks[name] ?? { rule: '', prepare: () => Promise.reject(new Error('No such attack')) };
    const outcome = await attack(prepare);
    expect(outcome).toMatchObject({ kind: 'refused', paths: [], diff: '' });
    expect(outcome.rules).toContain(rule);
  });

  const isRoot = process.getuid?.() === 0;
  test.runIf(isRoot).each([
    ['a character device', ['c', '1', '3']],
    ['a block device', ['b', '7', '0']],
  ])('%s', async (_name, kind) => {
    const outcome = await attack(({ worktree }) => run('mknod', [join(worktree, 'device'), ...kind]));
    expect(outcome).toMatchObject({ kind: 'refused', rules: ['worktree.special'] });
  });

  test.runIf(isRoot)('a mount', async () => {
    const outcome = await attack(async ({ worktree }) => {
      await mkdir(join(worktree, 'mounted'));
      await run('mount', ['-t', 'tmpfs', 'none', join(worktree, 'mounted')]);
      onTestFinished(async () => {
        await run('umount', [join(worktree, 'mounted')]);
      });
      await writeFile(join(worktree, 'mounted', 'x'), 'x');
    });
    expect(outcome.kind).toBe('refused');
    expect(outcome.rules).toContain('worktree.mount');
  });
});

describe('60 000 files', () => {
  let full = '';
  beforeAll(() => {
    full = execFileSync('mktemp', ['-d']).toString().trim();
    mkdirSync(join(full, 'many'));
    execFileSync('sh', ['-c', 'seq 1 60000 | xargs touch'], { cwd: join(full, 'many') });
  }, 60_000);
  afterAll(() => rm(full, { recursive: true, force: true }));

  test('end the walk at the limit', { timeout: 60_000 }, async () => {
    const { trusted } = await openBase(await createRepository(base));
    const outcome = await derive(full, trusted);
    expect(outcome).toMatchObject({ kind: 'refused', rules: ['worktree.entries'] });
  });

  test('in a folder that the base ignores are counted and left out', { timeout: 60_000 }, async () => {
    const repository = await createRepository({ ...base, '.gitignore': 'many/\n' });
    const ignoring = (await openBase(repository)).trusted;
    const worktree = await checkOut(ignoring);
    await rename(join(full, 'many'), join(worktree, 'many'));
    await writeFile(join(worktree, visible), 'after\n');
    const outcome = await derive(worktree, ignoring);
    expect(outcome).toMatchObject({ kind: 'derived', paths: [visible], rules: ['worktree.ignored'] });
  });
});

test('the attacks are real: plain git in the worktree runs the payload', async () => {
  const worktree = await createRepository(base);
  const marker = join(worktree, '..', `marker-${process.pid}`);
  await git(worktree, 'config', 'core.fsmonitor', `touch ${marker}; false`);
  await git(worktree, 'status').catch(() => {});
  onTestFinished(() => rm(marker, { force: true }));
  await expect(stat(marker)).resolves.toBeDefined();
});

async function listen(path: string): Promise<void> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(path, listening.resolve);
  await listening.promise;
  onTestFinished(() => {
    server.close();
  });
}

async function sparse(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
}

/** Each folder is moved into the next. */
async function nest(worktree: string, depth: number): Promise<void> {
  await run('python3', [
    '-c',
    `import os\nos.chdir('${worktree}')\nfor _ in range(${depth}):\n os.mkdir('d'); os.chdir('d')\nopen('bottom','w').close()`,
  ]);
  // Node's own rm names every folder by its whole path.
  onTestFinished(async () => void (await run('rm', ['-rf', join(worktree, 'd')])), 60_000);
}
