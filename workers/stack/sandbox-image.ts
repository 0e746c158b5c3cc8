/** Brings the sandbox image that set-up built into an engine, through its API alone: no client program is needed. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { engineSocketPath } from './engine-host.ts';

/** The reference that the built image goes by. Whoever configures another brings it themselves. */
const name = { repo: 'aas-sandbox', tag: '1' };
export const sandboxImage = `${name.repo}:${name.tag}`;

/**
 * Imports a root file system (a tar, with its SHA-256 in hex in `<file>.sha256`) unless the engine has exactly it: the
 * identity of an image's only layer is the digest of the tar it was made from. Resolves with whether it had to. Rejects
 * with what the engine said.
 */
export async function ensureSandboxImage(host: string, file: string): Promise<boolean> {
  const digest = await readFile(`${file}.sha256`, 'utf8').catch((cause: unknown) => {
    throw new Error(`The sandbox image ${file} was not built yet: run \`make setup\``, { cause });
  });
  if ((await layersOf(host)).join() === `sha256:${digest.trim()}`) return false;
  const imported = await importArchive(host, file);
  // Podman ignores a tag given with the import.
  const tagged = await call(host, 'POST', `/images/${imported}/tag?${new URLSearchParams(name).toString()}`);
  if (tagged.statusCode !== 201) throw new Error(`The engine did not tag ${sandboxImage}: ${await text(tagged)}`);
  tagged.resume();
  return true;
}

async function layersOf(host: string): Promise<string[]> {
  const response = await call(host, 'GET', `/images/${sandboxImage}/json`);
  if (response.statusCode === 404) {
    response.resume();
    return [];
  }
  const image = (await json(response)) as { RootFS?: { Layers?: string[] } };
  return image.RootFS?.Layers ?? [];
}

/** Resolves with the image's id. The engine streams its progress; the last line holds the id or an error. */
async function importArchive(host: string, file: string): Promise<string> {
  const answer = await text(await call(host, 'POST', '/images/create?fromSrc=-', file));
  const last = answer.trim().split('\n').at(-1) ?? '';
  const id = /"status":"(sha256:[0-9a-f]{64})"/.exec(last)?.[1];
  if (id === undefined) throw new Error(`The engine did not import ${file}: ${last}`);
  return id;
}

async function call(host: string, method: 'GET' | 'POST', path: string, body?: string): Promise<IncomingMessage> {
  const headers =
    body === undefined ? {} : { 'content-type': 'application/x-tar', 'content-length': (await stat(body)).size };
  const outgoing = request({ socketPath: engineSocketPath(host), method, path, headers });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  if (body === undefined) outgoing.end();
  else await pipeline(createReadStream(body), outgoing);
  return (await answered)[0];
}
