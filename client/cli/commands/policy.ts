/** `policy explain`: what policy would say, where from, before anybody asks. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, sha256 } from '../../../artifacts/digest.ts';
import { parseLayer } from '../../../policies/layers.ts';
import { mergeLayers } from '../../../policies/merge.ts';
import type { LayerSource } from '../../../policies/merge.ts';
import { parseYaml } from '../../../policies/yaml.ts';
import { policyLayerSchema } from '../../../temporal/contract/policy.ts';
import type { PolicyLayerName } from '../../../temporal/contract/policy.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit.ts';
import { oneLine, short } from '../render/words.ts';
import { explainFields } from './policy-fields.ts';

const repositoryLayer = '.aas/policy.yaml';

const explain = command({
  name: 'policy explain',
  summary: 'The merged policy: each field, its value and the layer it comes from',
  description:
    'Reads the org layer of this installation, the layer of a repository at a base, and a session layer, as admission would. Deny wins: a lower layer only takes away.',
  options: {
    repo: { type: 'string', value: 'PATH', summary: 'A local repository with its own layer' },
    base: { type: 'string', value: 'REF', summary: 'Where its layer is read (HEAD)' },
    policy: { type: 'string', value: 'FILE.yaml', summary: 'A layer of the session' },
  },
  examples: ['aas policy explain', 'aas policy explain --repo . --policy strict.yaml --json'],
  async run(context, { options }) {
    const { config, directory, output } = context;
    const texts: [PolicyLayerName, string | null][] = [
      ['org', await readLayer(config.policy.orgLayer)],
      [
        'repository',
        options.repo === undefined
          ? null
          : await repositoryText(resolve(directory, options.repo), options.base ?? 'HEAD'),
      ],
      ['session', options.policy === undefined ? null : asSent(await readLayer(resolve(directory, options.policy)))],
    ];
    const sources = texts.flatMap(([name, text]) => (text === null ? [] : [parse(name, text, context)]));
    const bundle = mergeLayers(sources);
    const fields = explainFields(bundle, sources);
    const bundleDigest = digestOf(bundle);
    if (output.json) {
      output.document({ bundleDigest, layers: bundle.layers, fields, bundle });
      return exitCodes.ok;
    }
    output.print(`${output.paint('bold', 'bundle')}  ${bundleDigest}`);
    for (const { layer, name, revision, digest } of bundle.layers)
      output.print(`  ${layer.padEnd(10)}  ${name} revision ${revision}  ${output.paint('dim', short(digest))}`);
    output.print('');
    const width = Math.max(...fields.map(({ field }) => field.length));
    for (const { field, value, from } of fields) {
      output.print(
        `${field.padEnd(width)}  ${output.paint('cyan', from.join('+').padEnd(10))}  ${oneLine(words(value), 100)}`,
      );
    }
    return exitCodes.ok;
  },
});

function parse(name: PolicyLayerName, text: string, { output }: Context): LayerSource {
  const parsed = parseLayer(text, name);
  if (!parsed.ok)
    throw new CliError(parsed.reason, {
      exitCode: exitCodes.refused,
      next: 'A session would be refused with the same words',
    });
  for (const { message } of parsed.warnings) output.note(`warning: ${message}`);
  return { layer: parsed.layer, digest: sha256(text) };
}

/** As a session carries it, so that its digest is the one of the session's bundle. */
function asSent(text: string): string {
  try {
    return JSON.stringify(policyLayerSchema.parse(parseYaml(text)));
  } catch {
    // It is refused in a moment, in words that speak of the file as it is.
    return text;
  }
}

const readLayer = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: unknown) => {
    throw usageError(`The policy ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  });

/** Null where the repository has no layer. `cat-file` runs no filter and no text conversion of the repository. */
async function repositoryText(repository: string, base: string): Promise<string | null> {
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-C', repository, ...args], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
      maxBuffer: 1024 * 1024,
    });
  const commit = await git('rev-parse', '--verify', '--end-of-options', `${base}^{commit}`).catch((cause: unknown) => {
    throw usageError(
      `${repository} is no git repository with ${base}`,
      cause instanceof Error ? oneLine(cause.message, 200) : undefined,
    );
  });
  const entry = await git('ls-tree', commit.stdout.trim(), '--', repositoryLayer);
  const blob = /^100\d{3} blob ([0-9a-f]+)\t/.exec(entry.stdout)?.[1];
  return blob === undefined ? null : (await git('cat-file', 'blob', blob)).stdout;
}

const words = (value: unknown): string =>
  Array.isArray(value)
    ? value.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(' ') || '(none)'
    : String(value);

export const policyCommands: Command[] = [explain];
