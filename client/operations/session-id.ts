import { randomBytes } from 'node:crypto';

/** Crockford's base32, lower case: no i, l, o, u; its ASCII order is its numeric order. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const timeDigits = 9;
const randomDigits = 7;

/** What a session id looks like; doors refuse everything else before it reaches a path or a workflow id. */
export const sessionIdPattern = /^s-[0-9a-hjkmnp-tv-z]{16}$/;

/**
 * `s-` and 16 digits: 45 bits of Unix time in milliseconds, so that ids sort by their creation (until the year 3084),
 * then 35 random bits. Short and tame enough for container names, branch names and folders.
 */
export function newSessionId(timeMs: number = Date.now()): string {
  const random = randomBytes(5).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  return `s-${base32(BigInt(timeMs), timeDigits)}${base32(random, randomDigits)}`;
}

/** The lowest `digits` digits of a number. */
function base32(value: bigint, digits: number): string {
  let text = '';
  for (let i = 0; i < digits; i++) {
    text = (alphabet[Number(value & 31n)] ?? '') + text;
    value >>= 5n;
  }
  return text;
}
