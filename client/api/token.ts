/** The personal token of the local user: one secret in a file that nobody else can read. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `aas_<8 hex>_<43 base62>_<crc32>`: a prefix that secret scanners can know, 256 random bits, and a checksum. */
export function newToken(): string {
  let number = BigInt(`0x${randomBytes(32).toString('hex')}`);
  let secret = '';
  while (secret.length < 43) {
    secret = (base62[Number(number % 62n)] ?? '') + secret;
    number /= 62n;
  }
  const body = `aas_${randomBytes(4).toString('hex')}_${secret}`;
  return `${body}_${crc32(body).toString(16).padStart(8, '0')}`;
}

/** Reads the token, and makes one on first use. Rejects a file that others can read: its secret is none any more. */
export async function ensureToken(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      const token = newToken();
      await file.writeFile(`${token}\n`);
      await file.sync();
      return token;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new Error(
      `${path} can be read by others: remove it (a new token is made at the next start), or chmod 600 it if nobody else had access`,
    );
  }
  const token = (await readFile(path, 'utf8')).trim();
  if (token.length < 20) throw new Error(`${path} holds no token: remove it, and a new one is made at the next start`);
  return token;
}

/** Compares by digest, so that neither length nor a common beginning shows in the time it takes. */
export function tokenMatcher(token: string): (presented: string) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (presented) => timingSafeEqual(digest(presented), expected);
}
