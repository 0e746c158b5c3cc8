/** Names of bytes: SHA-256 digests, and RFC 8785 canonical JSON for everything that is hashed or signed. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Digest } from '../temporal/contract/messages.ts';

/** SHA-256 of bytes (strings as UTF-8), written `sha256:<hex>`. */
export const sha256 = (bytes: Uint8Array | string): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** RFC 8785 (JCS) text of a JSON value. Throws on what JSON cannot say: undefined, functions, NaN, lone surrogates. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('Only JSON values have a canonical form');
  return text;
}

/** Digest of a value's canonical JSON. */
export const digestOf = (value: unknown): Digest => sha256(canonicalJson(value));
