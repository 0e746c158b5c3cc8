import { fork } from 'node:child_process';
import { generateKeyPairSync, verify } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeys, loadPublicKeys, loadSigner, roles } from '../../artifacts/keys.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'aas-keys-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const privateKeys = () => roles.map((role) => readFileSync(join(directory, role, 'key.pem'), 'utf8'));

test('makes a pair for each role, private to its owner, whose halves belong together', () => {
  createKeys(directory);
  const publicKeys = loadPublicKeys(directory);
  expect([...publicKeys.values()].map(({ role }) => role)).toEqual([...roles]);

  for (const role of roles) {
    expect(statSync(join(directory, role)).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, role, 'key.pem')).mode & 0o777).toBe(0o600);
    const signer = loadSigner(directory, role);
    const known = publicKeys.get(signer.keyid);
    expect(known?.role).toBe(role);
    expect(known && verify(null, Buffer.from('x'), known.key, signer.sign(Buffer.from('x')))).toBe(true);
  }
});

test('changes nothing the second time, and makes again only a public half', () => {
  createKeys(directory);
  const before = privateKeys();
  rmSync(join(directory, 'public', 'api.pem'));
  createKeys(directory);
  expect(privateKeys()).toEqual(before);
  expect(loadPublicKeys(directory).get(loadSigner(directory, 'api').keyid)?.role).toBe('api');
});

test('processes that make keys at once end with the same ones', async () => {
  const script = fileURLToPath(new URL('./create-keys.ts', import.meta.url));
  const makers = Array.from({ length: 4 }, () => fork(script, [directory]));
  const ends = await Promise.all(makers.map((maker) => once(maker, 'exit')));

  expect(ends.map(([code]) => code as number)).toEqual([0, 0, 0, 0]);
  for (const role of roles) {
    expect(loadPublicKeys(directory).get(loadSigner(directory, role).keyid)?.role).toBe(role);
    expect(readdirSync(join(directory, role))).toEqual(['key.pem']);
  }
});

test('refuses a public half that belongs to another key', () => {
  createKeys(directory);
  copyFileSync(join(directory, 'public', 'api.pem'), join(directory, 'public', 'control.pem'));
  expect(() => createKeys(directory)).toThrow(/control\.pem does not belong/);
});

test('refuses a key that speaks for two roles', () => {
  createKeys(directory);
  copyFileSync(join(directory, 'public', 'api.pem'), join(directory, 'public', 'validator.pem'));
  expect(() => loadPublicKeys(directory)).toThrow(/speaks for one role/);
});

test('refuses a private key that others may read', () => {
  createKeys(directory);
  chmodSync(join(directory, 'api', 'key.pem'), 0o640);
  expect(() => loadSigner(directory, 'api')).toThrow(/can be read by others/);
});

test('refuses a missing key, no public keys at all, and another kind of key', () => {
  expect(() => loadSigner(directory, 'api')).toThrow(/api key .* is not there/);
  expect(() => loadPublicKeys(directory)).toThrow(/is not there/);
  createKeys(directory);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(directory, 'public', 'api.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  expect(() => loadPublicKeys(directory)).toThrow(/no Ed25519 key/);
});
