import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runHere } from '../helpers/cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aas-policy-'));
  await mkdir(join(folder, '.aas'));
  await writeFile(
    join(folder, '.aas', 'policy.yaml'),
    layer('repository', 'limits: { runMs: 1000 }\npaths: { deny: ["db/**"] }'),
  );
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'src', 'a b.ts'), '');
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { stdio: 'pipe' });
  git('init', '--quiet');
  git('add', '.');
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'policy');
  // What was not committed is neither policy nor base.
  await mkdir(join(folder, 'db'));
  await writeFile(join(folder, 'db', 'x'), '');
  await writeFile(join(folder, '.aas', 'policy.yaml'), layer('repository', 'limits: { runMs: 5 }'));
});
afterAll(() => rm(folder, { recursive: true }));

const layer = (name: string, fields: string) =>
  `apiVersion: aas.dev/v1\nkind: Policy\nmetadata: { name: mine, layer: ${name}, revision: 2 }\n${fields}\n`;
const explain = (...args: string[]) => runHere({}, ['policy', 'explain', ...args]);

interface Explained {
  bundleDigest: string;
  layers: { layer: string }[];
  fields: { field: string; value: unknown; from: string[] }[];
}
async function explained(...args: string[]) {
  const { code, stdout } = await explain(...args, '--json');
  expect(code).toBe(0);
  const answer = JSON.parse(stdout) as Explained;
  return { ...answer, of: (field: string) => answer.fields.find((each) => each.field === field) };
}

test('the org layer alone sets every field', async () => {
  const { layers, fields } = await explained();
  expect(layers.map(({ layer: name }) => name)).toEqual(['org']);
  expect(
    fields.filter(({ from, value }) => from.length === 0 && !(Array.isArray(value) && value.length === 0)),
  ).toEqual([]);
});

test('the strictest layer is named for each field, at the base commit', async () => {
  await writeFile(
    join(folder, 'session.yaml'),
    layer('session', 'limits: { runMs: 3000, maxFiles: 2 }\nagents: { allow: [command] }'),
  );
  const { of, bundleDigest } = await explained('--repo', folder, '--policy', join(folder, 'session.yaml'));
  expect(of('limits.runMs')).toMatchObject({ value: 1000, from: ['repository'] });
  expect(of('limits.maxFiles')).toMatchObject({ value: 2, from: ['session'] });
  expect(of('agents.allow')).toMatchObject({ value: ['command'], from: ['org', 'session'] });
  expect(of('paths.deny')).toMatchObject({ from: ['org', 'repository'] });
  expect(bundleDigest).not.toBe((await explained()).bundleDigest);
});

test('a path rule that matches no file of the base warns, but for those of the org, which are for every repository', async () => {
  const policy = join(folder, 'paths.yaml');
  await writeFile(policy, layer('session', 'paths: { allow: ["src/**", "scr/**", "\\u009b2J/**"], deny: ["SRC/a*"] }'));
  const { code, stderr } = await explain('--repo', folder, '--policy', policy);
  expect({ code, warnings: stderr.split('\n').filter(Boolean) }).toEqual({
    code: 0,
    warnings: [
      'warning: repository layer: "db/**" matches no file of the base',
      'warning: session layer: "scr/**" matches no file of the base',
      'warning: session layer: "\ufffd2J/**" matches no file of the base',
    ],
  });
  expect(await explain('--policy', policy)).toMatchObject({ code: 0, stderr: '' });
});

test.each([
  ['that does not parse', 'limits: { runMs: never }'],
  ['with an unknown field', 'limts: {}'],
  ['that calls itself org', ''],
])('a session layer %s denies', async (what, fields) => {
  await writeFile(join(folder, 'bad.yaml'), layer(what.endsWith('org') ? 'org' : 'session', fields));
  expect(await explain('--policy', join(folder, 'bad.yaml'))).toMatchObject({ code: 3, stdout: '' });
});

test('no repository there is a usage error', async () => {
  expect(await explain('--repo', '/')).toMatchObject({ code: 2, stdout: '' });
  expect(await explain('--repo', folder, '--base', '--help')).toMatchObject({ code: 2 });
});
