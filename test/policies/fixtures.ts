/** Policies and changes for the tests of the judges. */
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import type { LayerSource } from '../../policies/merge.ts';
import { parseLayer } from '../../policies/layers.ts';
import type { ChangedFile, Digest } from '../../temporal/contract/messages.ts';
import type { PolicyBundle, PolicyLayer } from '../../temporal/contract/policy.ts';
import { policyLayerSchema } from '../../temporal/contract/policy.ts';

export const digest = (text: string): Digest => `sha256:${createHash('sha256').update(text).digest('hex')}`;

export const defaultText = readFileSync(new URL('../../policies/default.yaml', import.meta.url), 'utf8');

export function defaultLayer(): PolicyLayer {
  const parsed = parseLayer(defaultText, 'org');
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.layer;
}

export const source = (layer: PolicyLayer): LayerSource => ({ layer, digest: digest(JSON.stringify(layer)) });

/** A layer below the org's that says only what the test is about. */
export const lowerLayer = (fields: object, layer: 'repository' | 'session' = 'repository'): PolicyLayer =>
  policyLayerSchema.parse({
    apiVersion: 'aas.dev/v1',
    kind: 'Policy',
    metadata: { name: layer, layer, revision: 0 },
    ...fields,
  });

export const bundleOf = (change: Partial<PolicyBundle> = {}): PolicyBundle => ({
  apiVersion: 'aas.dev/v1',
  kind: 'PolicyBundle',
  layers: [{ name: 'org', layer: 'org', revision: 1, digest: digest('org') }],
  limits: {
    maxRounds: 3,
    runMs: 1000,
    checkMs: 1000,
    memoryBytes: 64 * 1024 * 1024,
    cpus: 1,
    pids: 64,
    outputBytes: 1024,
    worktreeBytes: 64 * 1024 * 1024,
    worktreeInodes: 1000,
    maxFiles: 3,
    maxFileBytes: 1000,
    maxPatchBytes: 2000,
  },
  paths: { allow: [['**']], deny: [], protected: [], open: [] },
  agents: ['command'],
  images: ['aas-sandbox:1'],
  modes: ['branch', 'patch'],
  checks: [],
  gates: { plan: false, approvals: 1 },
  deadlines: { planMs: 1000, approvalMs: 1000, fallbackMs: 1000 },
  ...change,
});

export const changed = (path: string, change: Partial<ChangedFile> = {}): ChangedFile => ({
  path,
  status: 'modified',
  oldMode: '100644',
  newMode: '100644',
  oldOid: '1'.repeat(40),
  newOid: '2'.repeat(40),
  bytes: 10,
  binary: false,
  ...change,
});
