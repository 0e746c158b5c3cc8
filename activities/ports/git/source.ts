/** The `source` capability's port: from what a requester calls a repository and a ref to a base that nothing can move. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ArtifactStore } from '../../../artifacts/artifact-store.ts';
import { sha256 } from '../../../artifacts/digest.ts';
import { ifThere } from '../../../artifacts/errors.ts';
import type { Base, Oid, SourceActivities } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { artifactRefSchema, oidSchema } from '../../../temporal/contract/primitives.ts';
import { refusal } from '../../failures.ts';
import { bundleMediaType, writeBundle } from './bundle.ts';
import { withFacade } from './facade.ts';
import { git } from './git.ts';
import { GitError } from './git-error.ts';
import { resolveLocalRef } from './local-refs.ts';
import { assertOwnObjects, findLocalRepository } from './local-repository.ts';
import { parseLocation } from './location.ts';
import { fetchCommit, resolveRemoteRef } from './remote-repository.ts';

export type Source = SourceActivities;

export interface SourceOptions {
  /** Records of the bundles that were made, and room to make one. */
  readonly directory: string;
  readonly artifacts: ArtifactStore;
  /** Bytes of all files of a base together; 4 GiB when left out. */
  readonly maxTreeBytes?: number;
}

const defaultMaxTreeBytes = 4 * 1024 ** 3;
const maxListingBytes = 128 * 1024 * 1024;

const recordSchema = z.strictObject({ commit: oidSchema, tree: oidSchema, bundle: artifactRefSchema });
type BundleRecord = z.infer<typeof recordSchema>;

/**
 * Resolves a repository and a ref to a base, once, and keeps the base as a bundle artifact. The same commit asked for
 * again is answered from its record. Rejects `Input.Bad` and `Source.Unusable`; a server that cannot be reached rejects
 * with a plain `Error`, which is worth another try.
 */
export function createSource({ directory, artifacts, maxTreeBytes = defaultMaxTreeBytes }: SourceOptions): Source {
  const making = new Map<string, Promise<BundleRecord>>();

  /** One at a time for a commit; another process that makes the same bundle makes the same bytes. */
  function bundleOf(key: string, commit: Oid, location: string, read: Reader): Promise<BundleRecord> {
    // By repository too: a damaged one must not answer for another that has the same commit.
    const name = sha256(`${key} ${commit}`).slice('sha256:'.length);
    const known = making.get(name);
    if (known) return known;
    const record = readOrMake(join(directory, 'bundles', `${name}.json`), commit, location, read);
    making.set(name, record);
    const forget = () => making.delete(name);
    record.then(forget, forget);
    return record;
  }

  async function readOrMake(path: string, commit: Oid, location: string, read: Reader): Promise<BundleRecord> {
    const kept = await ifThere(readFile(path, 'utf8'));
    const parsed = recordSchema.safeParse(kept === null ? null : parseJson(kept));
    if (parsed.success && (await artifacts.has(parsed.data.bundle.digest))) return parsed.data;

    await mkdir(join(directory, 'bundles'), { recursive: true });
    const workshop = await mkdtemp(join(directory, 'making-'));
    try {
      const record = await read(workshop, async (gitDir) => {
        const tree = await measure(gitDir, commit, location, maxTreeBytes);
        const bundle = join(workshop, 'base.bundle');
        await writeBundle(gitDir, commit, bundle);
        return { commit, tree, bundle: await artifacts.putFile(bundle, bundleMediaType) };
      });
      await writeFile(join(workshop, 'record.json'), JSON.stringify(record));
      await rename(join(workshop, 'record.json'), path);
      return record;
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  }

  async function resolveLocal(path: string, ref: string): Promise<Base> {
    const repository = await findLocalRepository(path);
    const { key, location } = repository;
    return withFacade(repository, async (gitDir) => {
      const tip = await resolveLocalRef(repository, gitDir, ref);
      const { commit, tree, bundle } = await bundleOf(key, tip.commit, location, async (_workshop, use) => {
        await assertOwnObjects(repository);
        return use(gitDir);
      });
      return { repositoryKey: key, repository: location, ref: tip.ref, commit, tree, bundle };
    }).catch(explain(location));
  }

  async function resolveRemote(url: string, canonical: string, ref: string): Promise<Base> {
    const tip = await resolveRemoteRef(url, ref);
    const { commit, tree, bundle } = await bundleOf(canonical, tip.commit, canonical, async (workshop, use) => {
      const gitDir = join(workshop, 'fetched.git');
      await fetchCommit(url, tip.commit, gitDir);
      return use(gitDir);
    }).catch(explain(canonical));
    return { repositoryKey: canonical, repository: canonical, ref: tip.ref, commit, tree, bundle };
  }

  return {
    resolveBase: async ({ repository, ref }) => {
      const location = parseLocation(repository);
      return location.kind === 'file'
        ? resolveLocal(location.path, ref)
        : resolveRemote(location.url, location.canonical, ref);
    },
  };
}

/** Makes the commit's objects readable in a git directory and calls `use` with it. */
type Reader = (workshop: string, use: (gitDir: string) => Promise<BundleRecord>) => Promise<BundleRecord>;

/** The commit's tree id. Rejects `Source.Unusable` when its files are too much: a small pack can hold any number of zeros. */
async function measure(gitDir: string, commit: Oid, location: string, maxTreeBytes: number): Promise<Oid> {
  const listing = await git(['ls-tree', '-r', '-l', '-z', '--full-tree', commit], {
    gitDir,
    maxOutputBytes: maxListingBytes,
  });
  const sizes = listing.toString('latin1').matchAll(/(?:^|\0)\d+ blob [0-9a-f]+ +(\d+)\t/g);
  const bytes = sizes.reduce((sum, [, size]) => sum + Number(size), 0);
  if (bytes > maxTreeBytes) {
    const message = `${location} at ${commit} is too large: ${bytes} bytes of files, at most ${maxTreeBytes} are taken`;
    throw refusal(failures.sourceUnusable, message);
  }
  const tree = await git(['rev-parse', '--verify', `${commit}^{tree}`], { gitDir });
  return tree.toString().trim();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const explain =
  (location: string) =>
  (error: unknown): never => {
    if (!(error instanceof GitError) || error.reason === 'machine') throw error;
    const hint = 'If git fsck finds objects missing there (a partial clone?), fetch them first';
    throw refusal(
      failures.sourceUnusable,
      `${location} cannot be read: ${error.stderr || error.message}. ${hint}`,
      error,
    );
  };
