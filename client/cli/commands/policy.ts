/** `policy explain`: what policy would say, where from, before anybody asks. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, sha256 } from '../../../artifacts/digest.ts';
import { parseLayer, unmatchedRules } from '../../../policies/layers.ts';
import { mergeLayers } from '../../../policies/merge.ts';
import type { LayerSource } from '../../../policies/merge.ts';
import { parseYaml } from '../../../policies/yaml.ts';
import type { Finding } from '../../../temporal/contract/messages.ts';
import { policyLayerSchema } from '../../../temporal/contract/policy.ts';
import type { PolicyLayerName } from '../../../temporal/contract/policy.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit.ts';
import { oneLine, safe, short } from '../render/words.ts';
import { explainFields } from './policy-fields.ts';

const repositoryLayer = '.aas/policy.yaml';

const explain = command({
  name: 'policy explain',
  summary: 'The merged policy: each field, its value and the layer it comes from',
  description:
    'Reads the org layer of this installation, the layer of a repository at a base, and a session layer, as admission would. Deny wins: a lower layer only takes away. With --repo it warns of path rules that match no file there.',
  options: {
    repo: { type: 'string', value: 'PATH', summary: 'A local repository with its own layer' },
    base: { type: 'string', value: 'REF', summary: 'Where its layer is read (HEAD)' },
    policy: { type: 'string', value: 'FILE.yaml', summary: 'A layer of the session' },
  },
  examples: ['aas policy explain', 'aas policy explain --repo . --policy strict.yaml --json'],
  async run(context, { options }) {
    const { config, directory, output } = context;
    const base =
      options.repo === undefined ? null : await readBase(resolve(directory, options.repo), options.base ?? 'HEAD');
    const texts: [PolicyLayerName, string | null][] = [
      ['org', await readLayer(config.policy.orgLayer)],
      ['repository', base?.layer ?? null],
      ['session', options.policy === undefined ? null : asSent(await readLayer(resolve(directory, options.policy)))],
    ];
    const sources = texts.flatMap(([name, text]) => (text === null ? [] : [parse(name, text, context)]));
    // The org layer speaks of every repository: what it names need not be in this one.
    for (const { layer } of sources)
      if (base !== null && layer.metadata.layer !== 'org') warn(context, unmatchedRules(layer, base.files));
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

function warn({ output }: Context, findings: readonly Finding[]): void {
  for (const { message } of findings) output.note(`warning: ${safe(message)}`);
}

function parse(name: PolicyLayerName, text: string, context: Context): LayerSource {
  const parsed = parseLayer(text, name);
  if (!parsed.ok)
    throw new CliError(parsed.reason, {
      exitCode: exitCodes.refused,
      next: 'A session would be refused with the same words',
    });
  warn(context, parsed.warnings);
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

interface RepositoryBase {
  /** Null where the repository has no layer. */
  readonly layer: string | null;
  readonly files: readonly string[];
}

/** `ls-tree` and `cat-file` run no filter and no text conversion of the repository. */
async function readBase(repository: string, base: string): Promise<RepositoryBase> {
  const git = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('git', ['-C', repository, ...args], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
      maxBuffer: 256 * 1024 * 1024,
    });
    return stdout;
  };
  const commit = await git('rev-parse', '--verify', '--end-of-options', `${base}^{commit}`).catch((cause: unknown) => {
    throw usageError(
      `${repository} is no git repository with ${base}`,
      cause instanceof Error ? oneLine(cause.message, 200) : undefined,
    );
  });
  const entries = (await git('ls-tree', '-r', '-z', '--full-tree', commit.trim())).split('\0').map((line) => {
    const [, mode = '', oid = '', path = ''] = /^(\d+) \w+ ([0-9a-f]+)\t([^]+)$/.exec(line) ?? [];
    return { mode, oid, path };
  });
  const own = entries.find(({ mode, path }) => path === repositoryLayer && mode.startsWith('100'));
  return {
    layer: own === undefined ? null : await git('cat-file', 'blob', own.oid),
    files: entries.flatMap(({ path }) => path || []),
  };
}

const words = (value: unknown): string =>
  Array.isArray(value)
    ? value.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(' ') || '(none)'
    : String(value);

export const policyCommands: Command[] = [explain];
