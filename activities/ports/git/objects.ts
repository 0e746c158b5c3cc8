/** Reading and writing single objects. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Oid } from '../../../temporal/contract/messages.ts';
import type { GitCall } from './git.ts';
import { git } from './git.ts';

/** git's name of a blob: SHA-1 over `blob <length>\0` and the bytes. */
export const blobOid = (bytes: Uint8Array): Oid =>
  createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');

/** Writes a loose object: the same form on every git, and no process for it. */
export function writeBlob(objects: string, oid: Oid, bytes: Uint8Array): void {
  const directory = join(objects, oid.slice(0, 2));
  mkdirSync(directory, { recursive: true });
  const header = Buffer.from(`blob ${bytes.byteLength}\0`);
  writeFileSync(join(directory, oid.slice(2)), deflateSync(Buffer.concat([header, bytes]), { level: 1 }));
}

/**
 * Blobs by name (an id or `<commit>:<path>`), in one process; null for what is missing or no blob.
 * Rejects `GitError` (`output`) when they come to more than `maxBytes` in all.
 */
export async function readBlobs(names: readonly string[], maxBytes: number, call: GitCall): Promise<(Buffer | null)[]> {
  const maxLineBytes = 256;
  const output = await git(['cat-file', '--batch=%(objecttype) %(objectsize)'], {
    ...call,
    input: Buffer.from(names.map((name) => `${name}\n`).join('')),
    maxOutputBytes: maxBytes + names.reduce((sum, name) => sum + Buffer.byteLength(name) + maxLineBytes, 0),
  });
  let at = 0;
  return names.map((name) => {
    const end = output.indexOf(0x0a, at);
    const line = output.toString('utf8', at, end);
    at = end + 1;
    if (line === `${name} missing` || line === `${name} ambiguous`) return null;
    const [type, size] = line.split(' ');
    const bytes = output.subarray(at, at + Number(size));
    at += Number(size) + 1;
    return type === 'blob' ? bytes : null;
  });
}

/** Lengths of objects in bytes, in the order of the ids. */
export async function readSizes(oids: readonly Oid[], call: GitCall): Promise<number[]> {
  if (oids.length === 0) return [];
  const input = Buffer.from(oids.map((oid) => `${oid}\n`).join(''));
  const output = await git(['cat-file', '--batch-check=%(objectsize)'], { ...call, input });
  return output.toString().trim().split('\n').map(Number);
}
