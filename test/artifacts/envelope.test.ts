import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { ArtifactStore } from '../../artifacts/artifact-store.ts';
import { canonicalJson, digestOf, sha256 } from '../../artifacts/digest.ts';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import {
  EnvelopeInvalid,
  getSigned,
  open,
  preAuthEncoding,
  putEnvelope,
  putSigned,
  sign,
} from '../../artifacts/envelope.ts';
import { getEvidence, openEvidence, putEvidence } from '../../artifacts/evidence.ts';
import type { PublicKeys } from '../../artifacts/keys.ts';
import { createKeys, loadPublicKeys, loadSigner } from '../../artifacts/keys.ts';
import { payloadTypes } from '../../temporal/contract/evidence.ts';
import type { Decision, Envelope } from '../../temporal/contract/messages.ts';

let directory: string;
let artifacts: ArtifactStore;
let publicKeys: PublicKeys;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'aas-envelope-'));
  createKeys(directory);
  artifacts = openArtifactDirectory(join(directory, 'artifacts'));
  publicKeys = loadPublicKeys(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const schema = z.strictObject({ answer: z.int() });
const signed = (payload: unknown = { answer: 42 }) =>
  sign(payload, payloadTypes.report, loadSigner(directory, 'validator'));
const opening = (envelope: unknown) => () => open(envelope, payloadTypes.report, schema, publicKeys);

/** The vector of the DSSE specification (protocol.md): our bytes are the ones its P-256 key signed. */
test('encodes what is signed as the specification does', () => {
  const encoding = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
  expect(encoding.toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');

  const coordinate = (decimal: bigint) =>
    Buffer.from(decimal.toString(16).padStart(64, '0'), 'hex').toString('base64url');
  const key = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: coordinate(46950820868899156662930047687818585632848591499744589407958293238635476079160n),
      y: coordinate(5640078356564379163099075877009565129882514886557779369047442380624545832820n),
    },
  });
  const sig = 'A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==';
  expect(verify('sha256', encoding, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(sig, 'base64'))).toBe(true);
});

test('counts lengths in bytes', () => {
  expect(preAuthEncoding('é', Buffer.from('ü!')).toString()).toBe('DSSEv1 2 é 3 ü!');
});

test('opens what the right key signed, and gives the same envelope for the same payload', () => {
  expect(opening(signed())()).toEqual({ answer: 42 });
  expect(signed({ b: 1, a: 2 })).toEqual(signed({ a: 2, b: 1 }));
});

const withPayload = (envelope: Envelope, text: string): Envelope => ({
  ...envelope,
  payload: Buffer.from(text).toString('base64'),
});
const signedText = (text: string): Envelope => {
  const signer = loadSigner(directory, 'validator');
  const sig = signer.sign(preAuthEncoding(payloadTypes.report, Buffer.from(text))).toString('base64');
  return withPayload(
    { payloadType: payloadTypes.report, payload: '', signatures: [{ keyid: signer.keyid, sig }] },
    text,
  );
};

test('the hand-made envelope of the next tests would pass if it were right', () => {
  expect(opening(signedText('{"answer":42}'))()).toEqual({ answer: 42 });
});

test.each<[string, () => unknown]>([
  ['a changed payload', () => withPayload(signed(), '{"answer":43}')],
  ['another payload type', () => ({ ...signed(), payloadType: payloadTypes.job })],
  ['a type nobody knows', () => ({ ...signed(), payloadType: 'text/plain' })],
  ['no signature', () => ({ ...signed(), signatures: [] })],
  ['a cut signature', () => ({ ...signed(), signatures: [{ keyid: signed().signatures[0]?.keyid, sig: 'AAAA' }] })],
  ['an unknown key', () => ({ ...signed(), signatures: signed().signatures.map(({ sig }) => ({ keyid: 'x', sig })) })],
  ['an unknown field', () => ({ ...signed(), extra: 1 })],
  ['no object', () => null],
  ['a payload of another shape', () => signed({ answer: 'x' })],
  ['a payload with unknown fields', () => signed({ answer: 42, more: 1 })],
  ['a payload that is not JSON', () => signedText('answer')],
  ['a payload with a key twice', () => signedText('{"answer":1,"answer":42}')],
  ['a payload with a byte order mark', () => signedText('\uFEFF{"answer":42}')],
])('refuses %s', (_, envelope) => {
  expect(opening(envelope())).toThrow(EnvelopeInvalid);
});

test('a key speaks for one role: another role of ours cannot sign, and a forged envelope by its key is refused', () => {
  const api = loadSigner(directory, 'api');
  expect(() => sign({ answer: 42 }, payloadTypes.report, api)).toThrow(/api key cannot sign/);

  const forged = sign({ answer: 42 }, payloadTypes.report, { ...api, role: 'validator' });
  expect(opening(forged)).toThrow(/No validator key/);
});

test('a signature by an unknown key beside a good one does no harm', () => {
  const envelope = signed();
  const signatures = [{ keyid: 'unknown', sig: 'AAAA' }, ...envelope.signatures];
  expect(opening({ ...envelope, signatures })()).toEqual({ answer: 42 });
});

test('keeps an envelope by the digest of its canonical JSON', async () => {
  const digest = await putSigned(artifacts, { answer: 42 }, payloadTypes.report, loadSigner(directory, 'validator'));
  expect(digest).toBe(digestOf(signed()));
  expect(await getSigned(artifacts, digest, 'report', schema, publicKeys)).toEqual({ answer: 42 });
  await expect(getSigned(artifacts, digest, 'job', schema, publicKeys)).rejects.toThrow(EnvelopeInvalid);
});

test('an artifact that is no envelope is refused', async () => {
  const { digest } = await artifacts.put(Buffer.from('not JSON'), 'text/plain');
  await expect(getSigned(artifacts, digest, 'report', schema, publicKeys)).rejects.toThrow(EnvelopeInvalid);
});

const decision: Decision = {
  type: 'aas.dev/decision/v1',
  session: 's1',
  gate: 'approval-1',
  kind: 'approve',
  subject: sha256('subject'),
  actor: 'user:ada',
  method: 'token',
  decidedAt: '2026-01-01T00:00:00.000Z',
  expiresAt: '2026-01-02T00:00:00.000Z',
  nonce: '0123456789abcdef',
  reason: null,
  note: null,
  fresh: false,
  agent: null,
  patch: null,
};

test('typed evidence goes in and comes out', async () => {
  const digest = await putEvidence(artifacts, 'decision', decision, loadSigner(directory, 'api'));
  expect(await getEvidence(artifacts, 'decision', digest, publicKeys)).toEqual(decision);
  await expect(getEvidence(artifacts, 'report', digest, publicKeys)).rejects.toThrow(EnvelopeInvalid);
});

test('an envelope at hand opens and is kept under the same name', async () => {
  const envelope = sign(decision, payloadTypes.decision, loadSigner(directory, 'api'));
  expect(openEvidence('decision', envelope, publicKeys)).toEqual(decision);
  expect(await putEnvelope(artifacts, envelope)).toBe(sha256(canonicalJson(envelope)));
  expect(() => openEvidence('decision', { ...envelope, payload: 'e30=' }, publicKeys)).toThrow(EnvelopeInvalid);
});
