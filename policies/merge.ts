/**
 * Deny wins: what a bundle allows is exactly what each of its layers allows, in whatever order they are merged.
 *
 * Each field merges by an operation that is associative, commutative and idempotent, so the whole merge is too. Values
 * are kept sorted and without repeats: equal policies are equal bytes.
 */
import type { Digest } from '../temporal/contract/messages.ts';
import type { Limits, PolicyBundle, PolicyLayer, PolicyLayerName } from '../temporal/contract/policy.ts';
import { policyBundleSchema } from '../temporal/contract/policy.ts';

/** A parsed layer and the digest of the text it came from. */
export interface LayerSource {
  readonly layer: PolicyLayer;
  readonly digest: Digest;
}

/** A bundle in the making: a limit that is missing and a list that is null have no opinion yet. */
export interface Draft {
  readonly layers: PolicyBundle['layers'];
  readonly limits: Partial<Limits>;
  readonly paths: PolicyBundle['paths'];
  readonly agents: readonly string[] | null;
  readonly images: readonly string[] | null;
  readonly modes: PolicyBundle['modes'] | null;
  readonly checks: PolicyBundle['checks'];
  readonly gates: PolicyBundle['gates'];
  readonly deadlines: Partial<PolicyBundle['deadlines']>;
}

/** No opinion on anything: merging it in changes nothing. */
export const noOpinion: Draft = {
  layers: [],
  limits: {},
  paths: { allow: [], deny: [], protected: [], open: [] },
  agents: null,
  images: null,
  modes: null,
  checks: [],
  gates: { plan: false, approvals: 0 },
  deadlines: {},
};

/** One layer's opinions. What only the org layer may say is taken from no other. */
export function draftOf({ layer, digest }: LayerSource): Draft {
  const { metadata, limits, paths, agents, images, promotion, checks, gates, deadlines } = layer;
  return {
    layers: [{ name: metadata.name, layer: metadata.layer, revision: metadata.revision, digest }],
    limits,
    paths: {
      allow: paths.allow ? [sorted(paths.allow)] : [],
      deny: sorted(paths.deny),
      protected: sorted(paths.protected),
      open:
        metadata.layer === 'org'
          ? sorted(paths.open.map((rule) => ({ repository: rule.repository, paths: sorted(rule.paths) })))
          : [],
    },
    agents: agents.allow ? sorted(agents.allow) : null,
    images: images.allow ? sorted(images.allow) : null,
    modes: promotion.modes ? sorted(promotion.modes) : null,
    checks: mergeChecks(
      checks.required.map(({ id, argv, image, files }) => ({
        id,
        argv,
        image,
        files: sorted(files),
        layer: metadata.layer,
      })),
    ),
    gates,
    deadlines,
  };
}

/** The meet of two drafts: allows what both allow. */
export const merge = (a: Draft, b: Draft): Draft => ({
  layers: sorted([...a.layers, ...b.layers]),
  limits: least(a.limits, b.limits),
  paths: {
    // A list of clauses, each of which must match: glob and glob is not a glob.
    allow: sorted([...a.paths.allow, ...b.paths.allow]),
    deny: sorted([...a.paths.deny, ...b.paths.deny]),
    protected: sorted([...a.paths.protected, ...b.paths.protected]),
    open: sorted([...a.paths.open, ...b.paths.open]),
  },
  agents: both(a.agents, b.agents),
  images: both(a.images, b.images),
  modes: both(a.modes, b.modes),
  checks: mergeChecks([...a.checks, ...b.checks]),
  gates: {
    plan: a.gates.plan || b.gates.plan,
    approvals: Math.max(a.gates.approvals, b.gates.approvals),
  },
  deadlines: least(a.deadlines, b.deadlines),
});

/**
 * Merges layers into a complete bundle, whose digest the caller makes of its RFC 8785 bytes. Throws unless exactly one
 * layer is the org's and every field has an opinion: absence never means unlimited.
 */
export function mergeLayers(sources: readonly LayerSource[]): PolicyBundle {
  const draft = sources.map(draftOf).reduce(merge, noOpinion);
  if (draft.layers.filter(({ layer }) => layer === 'org').length !== 1) {
    throw new Error('A policy bundle needs exactly one org layer: it is the one that permits');
  }
  const bundle = policyBundleSchema.safeParse({ apiVersion: 'aas.dev/v1', kind: 'PolicyBundle', ...draft });
  if (!bundle.success || bundle.data.paths.allow.length === 0) {
    const fields = bundle.error?.issues.map(({ path }) => path.join('.')).join(', ') ?? 'paths.allow';
    throw new Error(`No policy layer says anything about ${fields}: the org layer must set every field`);
  }
  return bundle.data;
}

/** Field by field the smaller number; a missing one has no opinion. */
function least<Fields extends Record<string, number | undefined>>(a: Fields, b: Fields): Fields {
  const result: Record<string, number> = {};
  for (const [name, value] of [...Object.entries(a), ...Object.entries(b)]) {
    if (value !== undefined) result[name] = Math.min(value, result[name] ?? value);
  }
  return result as Fields;
}

/** What both lists hold; null has no opinion. */
const both = <Name extends string, List extends readonly Name[]>(a: List | null, b: List | null): List | null =>
  a && b ? (a.filter((name) => b.includes(name)) as unknown as List) : (a ?? b);

const strength: Record<PolicyLayerName, number> = { org: 0, repository: 1, session: 2 };

/**
 * Every check of every layer. Equal ones are one, in the name of the strongest layer. Two with one id and different
 * content are both kept and both have to pass: to let one replace the other would let a layer weaken another's exam.
 */
function mergeChecks(checks: PolicyBundle['checks']): PolicyBundle['checks'] {
  const kept = new Map<string, PolicyBundle['checks'][number]>();
  for (const check of checks.toSorted((a, b) => strength[a.layer] - strength[b.layer])) {
    const { id, argv, image, files } = check;
    const content = JSON.stringify([id, argv, image, files]);
    if (!kept.has(content)) kept.set(content, check);
  }
  return sorted([...kept.values()]);
}

/** By code units of the JSON text, the same on every machine and in every locale; equal values once. */
function sorted<T>(values: readonly T[]): T[] {
  const byText = new Map(values.map((value) => [typeof value === 'string' ? value : JSON.stringify(value), value]));
  return [...byText.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
