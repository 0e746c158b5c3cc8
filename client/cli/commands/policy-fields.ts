/** Which layer a field of the bundle comes from. */
import type { LayerSource } from '../../../policies/merge.ts';
import type { PolicyBundle, PolicyLayer, PolicyLayerName } from '../../../temporal/contract/policy.ts';

export interface ExplainedField {
  readonly field: string;
  readonly value: unknown;
  /** The layers whose word it is: for a number the one that was strictest, for a list each that added or narrowed. */
  readonly from: readonly PolicyLayerName[];
}

type Reader = (layer: PolicyLayer) => unknown;

/** Every field of the bundle, in the order of a layer file. */
export function explainFields(bundle: PolicyBundle, sources: readonly LayerSource[]): ExplainedField[] {
  const layers = sources.map(({ layer }) => layer);
  const names = (matches: (layer: PolicyLayer) => boolean): PolicyLayerName[] =>
    layers.filter(matches).map(({ metadata }) => metadata.layer);
  /** One value: whoever says exactly what came out, which for a minimum is the strictest. */
  const scalar = (field: string, value: unknown, read: Reader): ExplainedField => ({
    field,
    value,
    from: names((layer) => read(layer) === value),
  });
  /** A list: whoever said anything about it. */
  const list = (
    field: string,
    value: readonly unknown[],
    read: (layer: PolicyLayer) => readonly unknown[] | undefined,
  ): ExplainedField => ({
    field,
    value,
    from: names((layer) => (read(layer)?.length ?? 0) > 0),
  });
  return [
    ...keysOf(bundle.limits).map((name) =>
      scalar(`limits.${name}`, bundle.limits[name], (layer) => layer.limits[name]),
    ),
    list('paths.allow', bundle.paths.allow, ({ paths }) => paths.allow),
    list('paths.deny', bundle.paths.deny, ({ paths }) => paths.deny),
    list('paths.protected', bundle.paths.protected, ({ paths }) => paths.protected),
    list('paths.open', bundle.paths.open, ({ paths }) => paths.open),
    list('agents.allow', bundle.agents, ({ agents }) => agents.allow),
    list('images.allow', bundle.images, ({ images }) => images.allow),
    list('promotion.modes', bundle.modes, ({ promotion }) => promotion.modes),
    list(
      'checks.required',
      bundle.checks.map(({ id, layer }) => `${id} (${layer})`),
      ({ checks }) => checks.required,
    ),
    ...keysOf(bundle.gates).map((name) => scalar(`gates.${name}`, bundle.gates[name], ({ gates }) => gates[name])),
    ...keysOf(bundle.deadlines).map((name) =>
      scalar(`deadlines.${name}`, bundle.deadlines[name], ({ deadlines }) => deadlines[name]),
    ),
  ];
}

const keysOf = <T extends object>(value: T): (keyof T & string)[] => Object.keys(value) as (keyof T & string)[];
