import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { checkLayer, parseLayer, unmatchedRules } from '../../policies/layers.ts';
import { mergeLayers } from '../../policies/merge.ts';
import { pathJudge } from '../../policies/paths.ts';
import { policyBundleSchema } from '../../temporal/contract/policy.ts';
import { defaultLayer, defaultText, lowerLayer, source } from './fixtures.ts';

const head = { apiVersion: 'aas.dev/v1', kind: 'Policy', metadata: { name: 'mine', layer: 'repository', revision: 1 } };
const text = (fields: object = {}) => stringify({ ...head, ...fields });
const reasonOf = (yaml: string, layer: 'org' | 'repository' | 'session' = 'repository') => {
  const parsed = parseLayer(yaml, layer);
  return parsed.ok ? null : parsed.reason;
};

test('a small layer parses, and what it leaves out has no opinion', () => {
  const parsed = parseLayer(text({ limits: { maxFiles: 5 } }), 'repository');
  expect(parsed).toMatchObject({ ok: true, warnings: [], layer: { limits: { maxFiles: 5 }, agents: {} } });
});

describe('a layer that does not parse denies', () => {
  test.each<[string, string, RegExp]>([
    ['no YAML', 'a: [', /repository policy layer cannot be used, so nothing is allowed/],
    ['nothing', '', /expected object/],
    ['an unknown field', text({ limit: {} }), /limit/],
    ['an unknown nested field', text({ paths: { denny: ['x'] } }), /denny/],
    ['a key twice', `${text()}limits: {}\nlimits: { maxFiles: 1 }\n`, /unique/],
    ['an alias', text().replace('mine', '&a mine') + 'agents: { allow: [*a] }\n', /[Aa]lias/],
    ['a tag', text().replace('mine', '!!js/function mine'), /tag/],
    ['two documents', `${text()}---\n${text()}`, /multiple documents/],
    ['more than 64 KiB', text() + `# ${'x'.repeat(64 * 1024)}`, /larger than 64 KiB/],
    ['another apiVersion', text().replace('aas.dev/v1', 'aas.dev/v2'), /apiVersion/],
    ['text for a number', text({ limits: { maxFiles: '5' } }), /limits\.maxFiles/],
    ['a limit below its least', text({ limits: { maxFiles: 0 } }), /limits\.maxFiles/],
    ['an unknown mode', text({ promotion: { modes: ['push'] } }), /promotion\.modes/],
    ['the org layer in its place', defaultText, /calls itself the org layer/],
    ['opened paths', text({ paths: { open: [{ repository: '**', paths: ['a'] }] } }), /only the org layer may open/],
    ['a glob that climbs', text({ paths: { deny: ['../x'] } }), /climb/],
    ['a negated glob', text({ paths: { deny: ['!x'] } }), /never negated/],
    ['a glob that matches nothing', text({ paths: { deny: ['secrets/'] } }), /write "secrets\/\*\*"/],
    ['an expression', text({ paths: { allow: ['(a+)+'] } }), /parenthesis/],
    [
      'a check whose files match nothing',
      text({ checks: { required: [{ id: 'x', argv: ['x'], files: ['a/'] }] } }),
      /a\//,
    ],
  ])('%s', (_, yaml, reason) => {
    expect(reasonOf(yaml)).toMatch(reason);
  });
});

test('an unquoted no is a name and no boolean', () => {
  expect(parseLayer(text({ agents: { allow: ['x'] } }).replace('- x', '- no'), 'repository')).toMatchObject({
    layer: { agents: { allow: ['no'] } },
  });
});

test('the org layer must set every field, by itself', () => {
  const reason = reasonOf(
    defaultText
      .replace(/^ {2}open: \[\]$/m, '')
      .replace(/^agents:.*$/m, '')
      .replace(/^ {2}plan:.*$/m, '')
      .replace(/^ {2}pids:.*$/m, ''),
    'org',
  );
  expect(reason).toMatch(/leaves out limits\.pids, paths\.open, agents\.allow, gates\.plan$/);
});

test('a layer that is data already is held to the same', () => {
  expect(checkLayer(lowerLayer({}, 'session'), 'session')).toMatchObject({ ok: true });
  expect(checkLayer(lowerLayer({}, 'session'), 'repository')).toMatchObject({ ok: false });
  expect(checkLayer(null, 'session')).toMatchObject({ ok: false });
});

test('warns of what has no effect', () => {
  const parsed = parseLayer(text({ agents: { allow: [] }, paths: { deny: ['a'], protected: ['a'] } }), 'repository');
  expect(parsed.ok && parsed.warnings.map(({ severity, rule, message }) => [severity, rule, message])).toEqual([
    ['info', 'policy.no_effect', expect.stringContaining('agents.allow is empty')],
    ['info', 'policy.no_effect', expect.stringContaining('"a" is protected, but denied anyway')],
  ]);
});

describe('a path rule that matches none of the files', () => {
  const unmatched = (paths: object, ...files: string[]) =>
    unmatchedRules(lowerLayer({ paths }), files).map(({ message }) => /"(.*)"/.exec(message)?.[1]);

  test('is warned of, wherever it stands', () => {
    const paths = {
      allow: ['src/**', 'scr/**'],
      deny: ['secrts/**', 'secrets/**'],
      protected: ['Makefle', 'Makefile'],
    };
    expect(unmatched(paths, 'src/a.ts', 'secrets/b', 'Makefile')).toEqual(['scr/**', 'secrts/**', 'Makefle']);
  });
  test('is warned of once', () => {
    expect(unmatched({ deny: ['x'], protected: ['x'] }, 'a')).toEqual(['x']);
  });
  test('is none that matches as policy will: deny in any spelling, allow as written', () => {
    expect(unmatched({ deny: ['SRC/**'] }, 'src/a')).toEqual([]);
    expect(unmatched({ allow: ['SRC/**'] }, 'src/a')).toEqual(['SRC/**']);
  });
});

describe('the layer that ships', () => {
  const bundle = mergeLayers([source(defaultLayer())]);
  const ruleOf = (path: string) => {
    const verdict = pathJudge(bundle.paths, '/srv/app')(path);
    return verdict.kind === 'denied' ? verdict.rule : 'allowed';
  };

  test('is a whole bundle, without warnings', () => {
    expect(policyBundleSchema.parse(bundle)).toEqual(bundle);
    expect(parseLayer(defaultText, 'org')).toMatchObject({ ok: true, warnings: [] });
  });

  test.each([
    'src/a.ts',
    'README.md',
    '.gitignore',
    'docs/keys.md',
    'package.json',
    '.env.example',
    'src/logs/a.ts',
    'Makefile',
  ])('allows %s', (path) => {
    expect(ruleOf(path)).toBe('allowed');
  });
  test.each([
    '.github/workflows/ci.yml',
    '.GitHub/workflows/ci.yml',
    '.gitlab-ci.yml',
    'package-lock.json',
    'a/b/Cargo.lock',
    'AGENTS.md',
    'a/CLAUDE.md',
    '.aas/policy.yaml',
    '.claude/settings.json',
    'CODEOWNERS',
    'docs/CODEOWNERS',
    '.github/CODEOWNERS',
    '.ci/run',
  ])('protects %s', (path) => {
    expect(ruleOf(path)).toBe('paths.protected');
  });
  test.each(['.env', 'a/.env.local', 'deploy/tls.key', 'id_rsa', '.ssh/config', '.masfactory_runtime/x'])(
    'denies %s',
    (path) => {
      expect(ruleOf(path)).toBe('paths.deny');
    },
  );
});
