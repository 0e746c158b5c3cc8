/** P2: deny wins. Laws of the merge, over layers and requests that try to get round it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { judgeAdmission } from '../../policies/admission.ts';
import { judgeChange } from '../../policies/change.ts';
import { denies } from '../../policies/findings.ts';
import { parseLayer } from '../../policies/layers.ts';
import type { LayerSource } from '../../policies/merge.ts';
import { draftOf, merge, mergeLayers, noOpinion } from '../../policies/merge.ts';
import { allowMatcher, denyMatcher, pathProblem } from '../../policies/paths.ts';
import { isRuntimeArtifact } from '../../policies/runtime-artifacts.ts';
import { jobRequestSchema } from '../../temporal/contract/job.ts';
import type { ChangedFile } from '../../temporal/contract/messages.ts';
import type { PolicyBundle, PolicyLayer } from '../../temporal/contract/policy.ts';
import { bundleOf, changed, defaultLayer, lowerLayer, source } from './fixtures.ts';

const runs = { numRuns: 1000 };

// ------------------------------------------------------------------------------------------------ layers

/** Few names and many spellings of them, so that rules and paths meet often. */
const names = ['src', '.github', '.env', 'café', 'logs', 'a'];
const spellings = (name: string) => [
  name,
  name.toUpperCase(),
  name.normalize('NFD'),
  name.toUpperCase().normalize('NFD'),
  `${name}.`,
];
const segments = names.flatMap(spellings).filter((name) => !name.endsWith('.'));
const globs = fc
  .oneof(
    {
      weight: 4,
      arbitrary: fc.array(fc.constantFrom(...segments, '*', '**', '?*', '{src,a}', '[a-z]*', '.*'), {
        minLength: 1,
        maxLength: 3,
      }),
    },
    { weight: 1, arbitrary: fc.constant(['**']) },
  )
  .map((parts) => parts.join('/'));
const globLists = fc.array(globs, { maxLength: 3 });
/** Mostly what nobody minds, so that a wish fails for one reason or for none. */
const often = <T>(usual: T, others: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });
const none: string[] = [];
const rules = fc.oneof({ weight: 2, arbitrary: fc.constant(none) }, { weight: 1, arbitrary: globLists });
const someOf = <T>(all: T[]) => often<T[] | undefined>(undefined, fc.subarray(all));

const check = fc.record({
  id: fc.constantFrom('unit', 'lint'),
  argv: fc.constantFrom(['make'], ['true']),
  image: fc.constantFrom(null, 'i:1'),
  files: often([], globLists),
});
const small = fc.integer({ min: 1, max: 20 });
const fields = fc.record({
  limits: often(
    {},
    fc.record({ maxFiles: small, maxFileBytes: small, maxPatchBytes: small, cpus: small }, { requiredKeys: [] }),
  ),
  paths: fc.record({ allow: often<string[] | undefined>(undefined, globLists), deny: rules, protected: rules }),
  agents: fc.record({ allow: someOf(['command', 'other']) }),
  images: fc.record({ allow: someOf(['i:1', 'i:2']) }),
  promotion: fc.record({ modes: someOf<'patch' | 'branch'>(['patch', 'branch']) }),
  checks: fc.record({ required: fc.oneof(fc.constant([]), fc.array(check, { maxLength: 2 })) }),
  gates: fc.record({
    plan: often(false, fc.boolean()),
    approvals: often(0, fc.integer({ min: 0, max: 3 })),
  }),
  deadlines: fc.record({ planMs: small }, { requiredKeys: [] }),
});
const lower = fc
  .tuple(fields, fc.constantFrom('repository' as const, 'session' as const))
  .map(([rest, layer]) => source(lowerLayer(rest, layer)));

const shipped = defaultLayer();

/** The shipped limits with room for everything, and random openings: only lower layers take away. */
const org = fc
  .array(
    fc.record({
      repository: fc.constantFrom('**', '/srv/app', '/srv/other'),
      paths: fc.array(globs, { minLength: 1, maxLength: 2 }),
    }),
    { maxLength: 2 },
  )
  .map((open): LayerSource => {
    const layer: PolicyLayer = {
      ...shipped,
      paths: { allow: ['**'], deny: [], protected: ['.github/**'], open },
      agents: { allow: ['command', 'other'] },
      images: { allow: ['i:1', 'i:2'] },
    };
    return source(layer);
  });
const anyLayer = fc.oneof(lower, org);

// ------------------------------------------------------------------------------------------------ requests

interface Wish {
  readonly agent: string;
  readonly image: string;
  readonly mode: 'patch' | 'branch';
  readonly files: readonly ChangedFile[];
  readonly patchBytes: number;
  readonly approvals: number;
  readonly planSeen: boolean;
  readonly passed: readonly string[];
  readonly cpus: number;
}

const repository = '/srv/app';
const pathNames = fc.constantFrom(...names.flatMap(spellings), '..', 'x');
const paths = fc.array(pathNames, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const passedChecks = ['unit', 'lint'].flatMap((id) =>
  [['make'], ['true']].flatMap((argv) => [null, 'i:1'].map((image) => JSON.stringify([id, argv, image]))),
);
const wishes: fc.Arbitrary<Wish> = fc.record({
  agent: fc.constantFrom('command', 'other'),
  image: fc.constantFrom('i:1', 'i:2'),
  mode: fc.constantFrom('patch', 'branch'),
  files: fc
    .uniqueArray(paths, { minLength: 1, maxLength: 3 })
    .chain((all) =>
      fc.tuple(
        ...all.map((path) => often(1, fc.integer({ min: 1, max: 20 })).map((bytes) => changed(path, { bytes }))),
      ),
    ),
  patchBytes: often(1, fc.integer({ min: 1, max: 20 })),
  approvals: often(3, fc.integer({ min: 0, max: 3 })),
  planSeen: often(true, fc.boolean()),
  passed: often(passedChecks, fc.subarray(passedChecks)),
  cpus: often(1, fc.integer({ min: 1, max: 4 })),
});

/** What a bundle allows: the real judges, and the figures that others hold a job to. */
function allows(bundle: PolicyBundle, wish: Wish): boolean {
  const request = jobRequestSchema.parse({
    repository,
    goal: 'x',
    agent: { name: wish.agent, argv: ['x'] },
    checks: [{ id: 'own', argv: ['x'], image: wish.image }],
    promotion: { mode: wish.mode },
  });
  const { files, patchBytes } = wish;
  // The images of policy's own checks are the same for every wish.
  const admission = judgeAdmission({ bundle: { ...bundle, checks: [] }, repository, request, image: wish.image });
  const change = judgeChange({ bundle, repository, files, patchBytes, plan: { paths: null }, checks: [] });
  return (
    !denies(admission) &&
    !denies(change) &&
    wish.cpus <= bundle.limits.cpus &&
    wish.approvals >= bundle.gates.approvals &&
    (wish.planSeen || !bundle.gates.plan) &&
    bundle.checks.every(({ id, argv, image }) => wish.passed.includes(JSON.stringify([id, argv, image])))
  );
}

/**
 * What one layer allows by itself, read off the layer without any merge: the other side of the exact law. `opened` are
 * the paths that the org layer opens.
 */
function permits({ layer }: LayerSource, wish: Wish, opened: (path: string) => boolean): boolean {
  const { limits, paths: rules, agents, images, promotion, checks, gates } = layer;
  const within = (value: number, limit: number | undefined) => limit === undefined || value <= limit;
  const listed = (name: string, list: readonly string[] | undefined) => list === undefined || list.includes(name);
  const allowed = rules.allow ? allowMatcher(rules.allow) : () => true;
  const [denied, guarded] = [denyMatcher(rules.deny), denyMatcher(rules.protected)];
  return (
    listed(wish.agent, agents.allow) &&
    listed(wish.image, images.allow) &&
    listed(wish.mode, promotion.modes) &&
    within(wish.files.length, limits.maxFiles) &&
    within(wish.patchBytes, limits.maxPatchBytes) &&
    within(wish.cpus, limits.cpus) &&
    wish.files.every(
      ({ path, bytes }) =>
        within(bytes, limits.maxFileBytes) && allowed(path) && !denied(path) && (!guarded(path) || opened(path)),
    ) &&
    wish.approvals >= gates.approvals &&
    (wish.planSeen || !gates.plan) &&
    checks.required.every(({ id, argv, image }) => wish.passed.includes(JSON.stringify([id, argv, image])))
  );
}

const openedBy = ({ layer }: LayerSource) =>
  allowMatcher(layer.paths.open.flatMap((rule) => (['**', repository].includes(rule.repository) ? rule.paths : [])));
const ordinary = ({ files }: Wish) => files.every(({ path }) => pathProblem(path) === null && !isRuntimeArtifact(path));

const bytesOf = (sources: readonly LayerSource[]) => JSON.stringify(mergeLayers(sources));

// ------------------------------------------------------------------------------------------------ laws

describe('merging layers', () => {
  test('is associative', () => {
    fc.assert(
      fc.property(anyLayer, anyLayer, anyLayer, (x, y, z) => {
        const [a, b, c] = [draftOf(x), draftOf(y), draftOf(z)];
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
      }),
      runs,
    );
  });

  test('is commutative', () => {
    fc.assert(
      fc.property(anyLayer, anyLayer, (x, y) => {
        expect(merge(draftOf(x), draftOf(y))).toEqual(merge(draftOf(y), draftOf(x)));
      }),
      runs,
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(anyLayer, anyLayer, (x, y) => {
        const merged = merge(draftOf(x), draftOf(y));
        expect(merge(draftOf(x), draftOf(x))).toEqual(draftOf(x));
        expect(merge(merged, draftOf(y))).toEqual(merged);
      }),
      runs,
    );
  });

  test('changes nothing where the other has no opinion', () => {
    fc.assert(
      fc.property(anyLayer, (x) => {
        expect(merge(draftOf(x), noOpinion)).toEqual(draftOf(x));
        expect(merge(noOpinion, draftOf(x))).toEqual(draftOf(x));
      }),
      runs,
    );
  });

  test('makes the same bytes in whatever order', () => {
    fc.assert(
      fc.property(
        org.chain((first) =>
          fc
            .array(lower, { maxLength: 3 })
            .chain((rest) =>
              fc.tuple(
                fc.constant([first, ...rest]),
                fc.shuffledSubarray([first, ...rest], { minLength: rest.length + 1 }),
              ),
            ),
        ),
        ([sources, shuffled]) => {
          expect(bytesOf(shuffled)).toBe(bytesOf(sources));
        },
      ),
      runs,
    );
  });

  test('is monotone: one more layer only takes away', () => {
    fc.assert(
      fc.property(org, lower, lower, wishes, (first, x, y, wish) => {
        const [fewer, more] = [mergeLayers([first, x]), mergeLayers([first, x, y])];
        expect(allows(fewer, wish) || !allows(more, wish)).toBe(true);
      }),
      runs,
    );
  });

  test('is exact: it allows what each layer allows, and nothing else', () => {
    let [allowed, refusedByOne] = [0, 0];
    fc.assert(
      fc.property(org, lower, lower, wishes, (first, x, y, wish) => {
        const alone = [first, x, y].map((layer) => permits(layer, wish, openedBy(first)));
        expect(allows(mergeLayers([first, x, y]), wish)).toBe(ordinary(wish) && alone.every(Boolean));
        if (alone.every(Boolean)) allowed += 1;
        else if (alone.some(Boolean)) refusedByOne += 1;
      }),
      { numRuns: 1500 },
    );
    // Or the law would hold of nothing.
    expect(allowed).toBeGreaterThan(20);
    expect(refusedByOne).toBeGreaterThan(20);
  });
});

test('a denied path is denied in every spelling, below whatever else a layer says', () => {
  const spelled = fc
    .constantFrom(...names)
    .chain((name) => fc.tuple(fc.constant(name), fc.constantFrom(...spellings(name))));
  fc.assert(
    fc.property(org, lower, spelled, (first, x, [name, path]) => {
      const denying = source(lowerLayer({ paths: { deny: [name] } }));
      const bundle = mergeLayers([first, x, denying]);
      expect(
        denies(
          judgeChange({
            files: [changed(path)],
            patchBytes: 1,
            bundle,
            repository,
            plan: { paths: null },
            checks: [],
          }),
        ),
      ).toBe(true);
    }),
    runs,
  );
});

test('a layer that was damaged anywhere is refused or is a layer, and never throws', () => {
  fc.assert(
    fc.property(fields, fc.nat(), fc.string({ maxLength: 3, unit: 'binary' }), (rest, at, noise) => {
      const text = stringify({
        apiVersion: 'aas.dev/v1',
        kind: 'Policy',
        metadata: { name: 'mine', layer: 'repository', revision: 0 },
        ...rest,
      });
      const place = at % text.length;
      const parsed = parseLayer(text.slice(0, place) + noise + text.slice(place + noise.length), 'repository');
      if (parsed.ok) mergeLayers([source(shipped), source(parsed.layer)]);
      else expect(parsed.reason).toContain('so nothing is allowed');
    }),
    runs,
  );
});

test('an unknown word anywhere in a layer denies', () => {
  const places = ['', 'metadata', 'limits', 'paths', 'agents', 'images', 'promotion', 'checks', 'gates', 'deadlines'];
  fc.assert(
    fc.property(fields, fc.constantFrom(...places), fc.stringMatching(/^[a-z]{9,12}$/), (rest, place, word) => {
      const layer: Record<string, unknown> = {
        apiVersion: 'aas.dev/v1',
        kind: 'Policy',
        metadata: { name: 'mine', layer: 'repository', revision: 0 },
        ...rest,
      };
      const damaged =
        place === '' ? { ...layer, [word]: 1 } : { ...layer, [place]: { ...(layer[place] as object), [word]: 1 } };
      expect(parseLayer(stringify(damaged), 'repository').ok).toBe(false);
    }),
    runs,
  );
});

test('there is one org layer, and it says everything', () => {
  const nothing = lowerLayer({});
  expect(() => mergeLayers([source(nothing)])).toThrow(/exactly one org layer/);
  expect(() =>
    mergeLayers([source(shipped), source({ ...shipped, metadata: { ...shipped.metadata, revision: 2 } })]),
  ).toThrow(/exactly one/);
  expect(() => mergeLayers([source({ ...shipped, limits: {} })])).toThrow(/limits\.maxRounds/);
  expect(() => mergeLayers([source({ ...shipped, paths: { ...shipped.paths, allow: undefined } })])).toThrow(
    /paths\.allow/,
  );
});

test('only the org layer opens', () => {
  const open = [{ repository: '**', paths: ['**'] }];
  const lowerOpening: PolicyLayer = { ...lowerLayer({}), paths: { deny: [], protected: [], open } };
  expect(mergeLayers([source(shipped), source(lowerOpening)]).paths.open).toEqual([]);
});

test('of two checks with one id and different content both are kept', () => {
  const required = (argv: string[], layer: 'repository' | 'session') =>
    source(lowerLayer({ checks: { required: [{ id: 'unit', argv }] } }, layer));
  const { checks } = mergeLayers([
    source(shipped),
    required(['make'], 'repository'),
    required(['true'], 'session'),
    required(['make'], 'session'),
  ]);
  expect(checks.map(({ argv, layer }) => [...argv, layer])).toEqual([
    ['make', 'repository'],
    ['true', 'session'],
  ]);
  expect(bundleOf().checks).toEqual([]);
});
