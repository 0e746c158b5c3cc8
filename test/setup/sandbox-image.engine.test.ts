import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { loadConfig } from '../../temporal/config.ts';
import { engineSocketPath } from '../../workers/stack/engine-host.ts';
import { ensureSandboxImage, sandboxImage } from '../../workers/stack/sandbox-image.ts';

const run = promisify(execFile);
const real = join(loadConfig().root, '.tools', 'sandbox', 'aas-sandbox.tar');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const layers = (host: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    request({ socketPath: engineSocketPath(host), path: `/images/${sandboxImage}/json` }, (response) => {
      json(response).then((image) => resolve((image as { RootFS: { Layers: string[] } }).RootFS.Layers), reject);
    })
      .on('error', reject)
      .end();
  });

describe.each(inject('engines'))('the sandbox image in $kind', ({ host }) => {
  test('is imported when another is there, once, and is known by the digest of its archive', async () => {
    const other = join(folder, 'other.tar');
    writeFileSync(join(folder, 'mark'), host);
    await run('tar', ['-cf', other, '-C', folder, 'mark']);
    const digest = createHash('sha256').update(readFileSync(other)).digest('hex');
    writeFileSync(`${other}.sha256`, `${digest}\n`);
    try {
      expect(await ensureSandboxImage(host, other)).toBe(true);
      expect(await ensureSandboxImage(host, other)).toBe(false);
      expect(await layers(host)).toEqual([`sha256:${digest}`]);
    } finally {
      expect(await ensureSandboxImage(host, real)).toBe(true);
    }
  });

  test('is an error in the words of the engine when the archive is none', async () => {
    const broken = join(folder, 'broken.tar');
    writeFileSync(broken, 'no archive');
    writeFileSync(`${broken}.sha256`, `${'0'.repeat(64)}\n`);
    await expect(ensureSandboxImage(host, broken)).rejects.toThrow(/did not import .*broken\.tar: .+/);
  });
});
