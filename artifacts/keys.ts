/**
 * Ed25519 keys, one pair a role: `<directory>/<role>/key.pem` and `<directory>/public/<role>.pem`.
 *
 * On several hosts each gets its own role's folder and everybody's `public/`. A private key never leaves `loadSigner`.
 */
import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../temporal/contract/evidence.ts';
import { hasCode } from './errors.ts';

export const roles = ['control', 'validator', 'api', 'promoter', 'audit'] as const satisfies readonly Role[];

/** Signs for one role. `keyid` is the SHA-256 of the public key's SPKI DER, in hex. */
export interface Signer {
  readonly role: Role;
  readonly keyid: string;
  readonly sign: (bytes: Uint8Array) => Buffer;
}

/** Whom a verifier believes, by keyid. A key speaks for one role. */
export type PublicKeys = ReadonlyMap<string, { readonly role: Role; readonly key: KeyObject }>;

/**
 * Makes the pairs that are missing and leaves the others alone. Two processes that call it at once end with the same
 * keys. Throws when a public file is not the other half of its private key.
 */
export function createKeys(directory: string): void {
  mkdirSync(join(directory, 'public'), { recursive: true });
  for (const role of roles) {
    const folder = join(directory, role);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    keepFirst(privatePath(directory, role), newPrivateKey, 0o600);
    // From the private key that stayed, whoever wrote it.
    const pem = readPublicHalf(directory, role).export({ type: 'spki', format: 'pem' }).toString();
    keepFirst(publicPath(directory, role), () => pem, 0o644);
    if (readFileSync(publicPath(directory, role), 'utf8') !== pem) {
      throw new Error(
        `${publicPath(directory, role)} does not belong to ${privatePath(directory, role)}. ` +
          'Put back the file that does, or remove it to have it made again',
      );
    }
  }
}

/** Loads a role's private key. Throws when it is missing, or when anybody but its owner may read it. */
export function loadSigner(directory: string, role: Role): Signer {
  const path = privatePath(directory, role);
  const { mode } = readingKey(path, role, () => statSync(path));
  if ((mode & 0o077) !== 0) {
    throw new Error(`The ${role} key ${path} can be read by others. Make a new one, or run: chmod 600 ${path}`);
  }
  const key = readingKey(path, role, () => createPrivateKey(readFileSync(path)));
  return { role, keyid: keyidOf(createPublicKey(ed25519(key, path))), sign: (bytes) => sign(null, bytes, key) };
}

/** Loads every role's public key that is there. Throws when there is none, or when two roles share one key. */
export function loadPublicKeys(directory: string): PublicKeys {
  const keys = new Map<string, { role: Role; key: KeyObject }>();
  const names = new Set(readingKey(join(directory, 'public'), 'public', () => readdirSync(join(directory, 'public'))));
  for (const role of roles.filter((name) => names.has(`${name}.pem`))) {
    const path = publicPath(directory, role);
    const key = ed25519(
      readingKey(path, role, () => createPublicKey(readFileSync(path))),
      path,
    );
    const keyid = keyidOf(key);
    const other = keys.get(keyid);
    if (other) throw new Error(`${path} is also the key of ${other.role}. A key speaks for one role: make new ones`);
    keys.set(keyid, { role, key });
  }
  if (keys.size === 0)
    throw new Error(`There is no public key in ${join(directory, 'public')}. Make keys with: aas up`);
  return keys;
}

const privatePath = (directory: string, role: Role): string => join(directory, role, 'key.pem');
const publicPath = (directory: string, role: Role): string => join(directory, 'public', `${role}.pem`);

const newPrivateKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const readPublicHalf = (directory: string, role: Role): KeyObject =>
  createPublicKey(createPrivateKey(readFileSync(privatePath(directory, role))));

/** node:crypto would sign and verify with any other kind of key too, by another algorithm. */
function ed25519(key: KeyObject, path: string): KeyObject {
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new Error(`${path} is no Ed25519 key but ${String(key.asymmetricKeyType)}. Put back the right file`);
}

const keyidOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** Writes a file unless there is one. link is exclusive, so of two writers one wins whole. */
function keepFirst(path: string, content: () => string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })) return;
  const staged = `${path}.${process.pid}-${randomUUID()}`;
  try {
    writeFileSync(staged, content(), { flag: 'wx', mode, flush: true });
    linkSync(staged, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(staged, { force: true });
  }
}

function readingKey<T>(path: string, role: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = hasCode(error, 'ENOENT') ? 'is not there' : 'cannot be used';
    throw new Error(`The ${role} key ${path} ${why}. Keys are made by the first start: aas up`, { cause: error });
  }
}
