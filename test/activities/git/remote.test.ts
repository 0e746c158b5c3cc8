import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openTarget } from '../../../activities/ports/git/target.ts';
import {
  commitFiles,
  createRepository,
  createWorkbench,
  plainGit,
  temporaryFolder,
} from '../../helpers/repositories.ts';

/** git's own CGI program behind a server on loopback. Resolves with the base URL. */
async function serve(
  root: string,
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<string> {
  const server = createServer((request, response) => {
    if (before(request, response)) return;
    const url = new URL(request.url ?? '/', 'http://x');
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers['content-type'],
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(child.stdin);
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('close', () => {
      const all = Buffer.concat(output);
      const end = all.indexOf('\r\n\r\n');
      const headers = all
        .toString('latin1', 0, end)
        .split('\r\n')
        .map((line) => line.split(': '));
      for (const [name = '', value = ''] of headers) if (name !== 'Status') response.setHeader(name, value);
      response.statusCode = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
      response.end(all.subarray(end + 4));
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a port');
  return `http://127.0.0.1:${address.port}`;
}

async function published() {
  const repository = await createRepository();
  const first = await plainGit(repository, 'rev-parse', 'HEAD');
  await plainGit(repository, 'tag', '-a', 'v1', '-m', 'x');
  const second = await commitFiles(repository, { a: '1' });
  const root = await temporaryFolder();
  await plainGit('/', 'clone', '--quiet', '--bare', repository, join(root, 'x.git'));
  return { repository, root, first, second };
}

test('a URL is resolved, fetched once without its history, and answered from the record', async () => {
  const { root, first, second } = await published();
  const paths: string[] = [];
  const origin = await serve(root, ({ url = '', method = '' }) => {
    paths.push(`${method} ${url}`);
    return false;
  });
  const { source, repositories } = await createWorkbench();
  const base = await source.resolveBase({ repository: `${origin}/x.git`, ref: 'main' });
  expect(base).toMatchObject({
    repositoryKey: `${origin}/x`,
    repository: `${origin}/x`,
    ref: 'refs/heads/main',
    commit: second,
  });
  const trusted = await repositories.open(base);
  expect((await trusted.readFile('a', 9))?.toString()).toBe('1');
  const fetched = paths.length;
  expect(await source.resolveBase({ repository: `${origin}//x.git/`, ref: 'HEAD' })).toEqual(base);
  expect(paths.slice(fetched).filter((path) => path.startsWith('POST'))).toHaveLength(1);
  expect(await source.resolveBase({ repository: `${origin}/x.git`, ref: 'v1' })).toMatchObject({
    ref: 'refs/tags/v1',
    commit: first,
  });
  expect(await source.resolveBase({ repository: `${origin}/x.git`, ref: first })).toMatchObject({
    ref: null,
    commit: first,
  });
});

test('an unknown ref and an unknown repository are refused for good', async () => {
  const { root } = await published();
  const origin = await serve(root);
  const { source } = await createWorkbench();
  await expect(source.resolveBase({ repository: `${origin}/x.git`, ref: 'mian' })).rejects.toMatchObject({
    type: 'Source.Unusable',
    message: expect.stringContaining('Did you mean main') as unknown,
  });
  await expect(source.resolveBase({ repository: `${origin}/x.git`, ref: 'e'.repeat(40) })).rejects.toMatchObject({
    type: 'Source.Unusable',
  });
  await expect(source.resolveBase({ repository: `${origin}/none.git`, ref: 'main' })).rejects.toMatchObject({
    type: 'Source.Unusable',
  });
});

test('a redirect is not followed', async () => {
  const { root } = await published();
  const inner = await serve(root);
  let reached = false;
  const outer = await serve(root, ({ url = '' }, response) => {
    reached = true;
    response.writeHead(302, { location: `${inner}${url}` }).end();
    return true;
  });
  const { source } = await createWorkbench();
  await expect(source.resolveBase({ repository: `${outer}/x.git`, ref: 'main' })).rejects.toMatchObject({
    type: 'Source.Unusable',
  });
  expect(reached).toBe(true);
});

test('a server that does not answer is worth another try', async () => {
  const { source } = await createWorkbench();
  const error: unknown = await source
    .resolveBase({ repository: 'http://127.0.0.1:9/x.git', ref: 'main' })
    .catch((failure: unknown) => failure);
  expect(String(error)).toContain('cannot be reached now');
  expect(error).not.toHaveProperty('nonRetryable', true);
});

test('a wish for a password is a refusal, not a question', async () => {
  const { root } = await published();
  const origin = await serve(root, (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return true;
  });
  const { source } = await createWorkbench();
  await expect(source.resolveBase({ repository: `${origin}/x.git`, ref: 'main' })).rejects.toMatchObject({
    type: 'Source.Unusable',
  });
});

test('a target behind a URL tells where its branch is', async () => {
  const { root, second, first } = await published();
  const target = await openTarget(`${await serve(root)}/x.git`);
  expect(await target.head('refs/heads/main')).toBe(second);
  expect(await target.head('refs/tags/v1')).toBe(first);
  expect(await target.head('refs/heads/none')).toBeNull();
});
