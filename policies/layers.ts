/** Reads a policy layer. One that does not parse denies: the caller refuses the session with the reason. */
import { z } from 'zod';
import type { Finding } from '../temporal/contract/messages.ts';
import type { PolicyLayer, PolicyLayerName } from '../temporal/contract/policy.ts';
import { limitsSchema, policyLayerSchema } from '../temporal/contract/policy.ts';
import { info } from './findings.ts';
import { locationProblem } from './globs.ts';
import { allowMatcher, denyMatcher, ruleProblem } from './paths.ts';
import { parseYaml } from './yaml.ts';

export type ParsedLayer =
  | { readonly ok: true; readonly layer: PolicyLayer; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly reason: string };

/** What the org layer must say, by itself: in a bundle absence never means unlimited. */
const orgFields = [
  ...Object.keys(limitsSchema.shape).map((name) => `limits.${name}`),
  ...['allow', 'deny', 'protected', 'open'].map((name) => `paths.${name}`),
  'agents.allow',
  'images.allow',
  'promotion.modes',
  'checks.required',
  ...['plan', 'approvals'].map((name) => `gates.${name}`),
  ...['planMs', 'approvalMs', 'fallbackMs'].map((name) => `deadlines.${name}`),
];

/** Parses a layer's YAML text, which must be the layer it is read as: a repository cannot bring an org layer. */
export function parseLayer(text: string, expectedLayer: PolicyLayerName): ParsedLayer {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    return refuse(expectedLayer, error instanceof Error ? error.message : String(error));
  }
  return checkLayer(value, expectedLayer);
}

/** The same for a layer that is data already, such as a job's own. */
export function checkLayer(value: unknown, expectedLayer: PolicyLayerName): ParsedLayer {
  const parsed = policyLayerSchema.safeParse(value);
  if (!parsed.success) return refuse(expectedLayer, z.prettifyError(parsed.error));
  const layer = parsed.data;
  const problems = [
    ...wrongLayer(layer, expectedLayer),
    ...(expectedLayer === 'org' ? missingFields(value) : overreaching(layer)),
    ...unusableRules(layer),
  ];
  return problems.length > 0
    ? refuse(expectedLayer, problems.join('; '))
    : { ok: true, layer, warnings: withoutEffect(layer) };
}

/**
 * Warns of path rules of a layer that match none of a repository's files: a mistyped `deny` protects nothing, and looks
 * as if it did. Costs each rule times each file, and whoever writes a layer chooses how many: for where a person asks, not
 * for a step of control.
 */
export function unmatchedRules(layer: PolicyLayer, files: readonly string[]): Finding[] {
  const { allow = [], deny, protected: guarded } = layer.paths;
  const unmatched = [
    ...allow.filter((glob) => !files.some(allowMatcher([glob]))),
    ...[...deny, ...guarded].filter((glob) => !files.some(denyMatcher([glob]))),
  ];
  return [...new Set(unmatched)].map((glob) =>
    info('policy.unmatched', `${layer.metadata.layer} layer: ${JSON.stringify(glob)} matches no file of the base`),
  );
}

const refuse = (layer: PolicyLayerName, reason: string): ParsedLayer => ({
  ok: false,
  reason: `The ${layer} policy layer cannot be used, so nothing is allowed: ${reason}`,
});

const wrongLayer = ({ metadata }: PolicyLayer, expected: PolicyLayerName): string[] =>
  metadata.layer === expected
    ? []
    : [`it calls itself the ${metadata.layer} layer, and this is the place of the ${expected} layer`];

/** Looks at what was written: defaults have filled the parsed layer. */
function missingFields(value: unknown): string[] {
  const missing = orgFields.filter((field) => {
    const [section = '', name = ''] = field.split('.');
    return at(at(value, section), name) === undefined;
  });
  return missing.length > 0 ? [`the org layer must set every field, and leaves out ${missing.join(', ')}`] : [];
}

const at = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

const overreaching = ({ paths }: PolicyLayer): string[] =>
  paths.open.length > 0 ? ['only the org layer may open protected paths (paths.open)'] : [];

/** A rule that can never match is a mistake, and a deny rule that can never match a hole. */
function unusableRules({ paths, checks }: PolicyLayer): string[] {
  const globs = [
    ...(paths.allow ?? []),
    ...paths.deny,
    ...paths.protected,
    ...paths.open.flatMap((rule) => rule.paths),
    ...checks.required.flatMap(({ files }) => files),
  ];
  return [...globs.map(ruleProblem), ...paths.open.map(({ repository }) => locationProblem(repository))].filter(
    (problem) => problem !== null,
  );
}

/** What the layer says to no effect, as far as the layer alone can tell. */
function withoutEffect({ metadata, paths, agents, images, promotion }: PolicyLayer): Finding[] {
  const warn = (message: string) => info('policy.no_effect', `${metadata.layer} layer: ${message}`);
  const empty = Object.entries({
    'paths.allow': paths.allow,
    'agents.allow': agents.allow,
    'images.allow': images.allow,
    'promotion.modes': promotion.modes,
  }).filter(([, list]) => list?.length === 0);
  const denied = new Set(paths.deny);
  const opened = paths.open.flatMap((rule) => rule.paths);
  return [
    ...empty.map(([field]) => warn(`${field} is empty, so every session is refused`)),
    ...paths.protected
      .filter((glob) => denied.has(glob))
      .map((glob) => warn(`${JSON.stringify(glob)} is protected, but denied anyway`)),
    ...opened
      .filter((glob) => denied.has(glob))
      .map((glob) => warn(`${JSON.stringify(glob)} is opened, but denied anyway`)),
  ];
}
