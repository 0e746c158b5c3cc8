/** Files of Python packages, from an index of our own that answers as a test wants. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project } from '../helpers/project.ts';

const file = 'left_pad-1.0-py3-none-any.whl';
const digest = createHash('sha256').update('the package').digest('hex');
const json = 'application/vnd.pypi.simple.v1+json';

type Answer = { readonly type?: string; readonly body: string; readonly to?: string };
let project: Project;
let server: Server;
let origin: string;
let answers: Record<string, Answer>;
let asked: Pick<IncomingMessage, 'url' | 'headers'>[];

beforeEach(async () => {
  project = new Project();
  asked = [];
  answers = {
    '/simple/left-pad/': {
      type: json,
      body: JSON.stringify({ files: [{ filename: file, url: `../../files/${file}` }] }),
    },
    [`/files/${file}`]: { body: 'the package' },
  };
  server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  project.remove();
});

function answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
  asked.push({ url, headers });
  const { type = 'text/html', body, to } = answers[url ?? ''] ?? { body: '' };
  if (answers[url ?? ''] === undefined) response.writeHead(404);
  else if (to !== undefined) response.writeHead(302, { location: to });
  else response.writeHead(200, { 'content-type': type });
  response.end(body);
}

const fetchFile = (environment: Record<string, string> = { PIP_INDEX_URL: `http://${origin}/simple` }, name = file) =>
  project.run('python3', ['scripts/fetch-package.py', 'Left.Pad', name, digest, 'kept'], {
    HOME: project.folder,
    PIP_CONFIG_FILE: project.path('none.conf'),
    ...environment,
  });
const kept = () => readFileSync(project.path('kept', file), 'utf8');
const nothingKept = () => !existsSync(project.path('kept')) || readdirSync(project.path('kept')).length === 0;

test('is found by its name in an index that answers in JSON, at a relative address, and fetched once', async () => {
  for (let times = 0; times < 2; times++) expect(await fetchFile()).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(kept()).toBe('the package');
  expect(asked.map(({ url }) => url)).toEqual(['/simple/left-pad/', `/files/${file}`]);
  expect(asked[0]?.headers.accept).toMatch(/^application\/vnd\.pypi\.simple\.v1\+json,.*text\/html/);
});

test.each([
  ['relative', () => `../../files/${file}#sha256=0`],
  ['whole, with another name for its text', () => `http://${origin}/files/left%5Fpad-1.0-py3-none-any.whl`],
  ['from the root', () => `/files/${file}?x=1&amp;y=2`],
])('is found in an index that answers in HTML, at an address that is %s', async (_what, link) => {
  answers[`/files/${file}?x=1&y=2`] = answers['/files/left%5Fpad-1.0-py3-none-any.whl'] = { body: 'the package' };
  const links = ['<a name="top">', '<a href="other-1.0.tar.gz">other</a>', `<A class="x" href="${link()}">${file}</A>`];
  answers['/simple/left-pad/'] = { type: 'text/html; charset=utf-8', body: `<!DOCTYPE html>\n${links.join('<br>\n')}` };
  expect(await fetchFile()).toMatchObject({ code: 0 });
  expect(kept()).toBe('the package');
});

test('is found where the index says that it moved to', async () => {
  answers['/simple/left-pad/'] = { body: '', to: '/moved/left-pad/' };
  answers['/moved/left-pad/'] = { body: `<a href="${file}">` };
  answers[`/moved/left-pad/${file}`] = { body: 'the package' };
  expect(await fetchFile()).toMatchObject({ code: 0 });
});

test('of another checksum is refused, and neither it nor a part of it is kept', async () => {
  answers[`/files/${file}`] = { body: 'another package' };
  const { code, stderr } = await fetchFile();
  expect(code).toBe(1);
  expect(stderr).toContain(`is not what scripts/pins.sh expects (sha256 ${digest})`);
  expect(nothingKept()).toBe(true);
});

test('that is damaged where it was kept is fetched again', async () => {
  project.write(`kept/${file}`, 'the pack');
  expect(await fetchFile()).toMatchObject({ code: 0 });
  expect(kept()).toBe('the package');
});

test.each([
  ['a file that is not listed', 'left-pad-9.9.tar.gz', /does not list left-pad-9\.9\.tar\.gz\..*set PIP_INDEX_URL/],
  ['a listed file that is not there', file, /could not be fetched from .*404.*set PIP_INDEX_URL/],
])('%s: says so, and what to do', async (_what, name, said) => {
  delete answers[`/files/${file}`];
  const { code, stderr } = await fetchFile(undefined, name);
  expect(code).toBe(1);
  expect(stderr).toMatch(said);
  expect(nothingKept()).toBe(true);
});

test('an index that nobody reaches, and one that answers nonsense: a sentence, and no stack', async () => {
  const unreachable = await fetchFile({ PIP_INDEX_URL: 'http://127.0.0.1:1/simple' });
  answers['/simple/left-pad/'] = { type: json, body: '[' };
  for (const { code, stderr } of [unreachable, await fetchFile()]) {
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .* could not be fetched from .*set PIP_INDEX_URL.*\n$/);
  }
});

test('the index is that of pip: of the environment, else of the first configuration file that names one', async () => {
  const index = (name: string) => {
    answers[`/${name}/left-pad/`] = answers['/simple/left-pad/'] ?? { body: '' };
    return `http://${origin}/${name}`;
  };
  const configured = (name: string) =>
    `[install]\nindex-url = http://127.0.0.1:1\n[global]\nindex-url = ${index(name)}\n`;
  const used = async (environment: Record<string, string> = {}) => {
    project.write(`kept/${file}`, '');
    asked.length = 0;
    await fetchFile(environment);
    return asked[0]?.url?.split('/')[1];
  };
  project.write('.pip/pip.conf', configured('old-user'));
  expect(await used()).toBe('old-user');
  project.write('.config/pip/pip.conf', configured('user'));
  expect(await used()).toBe('user');
  project.write('company.conf', configured('company'));
  const environment = { PIP_CONFIG_FILE: project.path('company.conf') };
  expect(await used(environment)).toBe('company');
  expect(await used({ ...environment, PIP_INDEX_URL: index('real') })).toBe('real');
});

test('a password in the address is for the index alone, and is not shown', async () => {
  const other = createServer(answer);
  await once(other.listen(0, '127.0.0.1'), 'listening');
  try {
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/files/${file}`;
    answers['/simple/left-pad/'] = {
      type: json,
      body: JSON.stringify({ files: [{ filename: file, url: elsewhere }] }),
    };
    const environment = { PIP_INDEX_URL: `http://me:${'p%40ss'}@${origin}/simple` };
    expect(await fetchFile(environment)).toMatchObject({ code: 0 });
    const header = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([header, undefined]);
    answers = {};
    expect((await fetchFile(environment, 'other.whl')).stderr).not.toContain('ss@');
  } finally {
    other.closeAllConnections();
    other.close();
  }
});

test('certificates that cannot be read are named', async () => {
  const { code, stderr } = await fetchFile({ PIP_CERT: '/none.pem' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: The certificates in \/none\.pem cannot be read: .*Correct PIP_CERT/);
});
