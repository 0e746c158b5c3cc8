/** One trusted repository: see port.ts for what each method promises. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Oid } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { sha256 } from '../../../artifacts/digest.ts';
import { refusal } from '../../failures.ts';
import { readChanges } from './changes.ts';
import { writeCheckout } from './checkout.ts';
import type { GitCall } from './git.ts';
import { git } from './git.ts';
import { GitError } from './git-error.ts';
import type { Layer } from './layers.ts';
import { createLayers } from './layers.ts';
import { readBlobs, writeBlob } from './objects.ts';
import type { BaseEntry, TrustedRepository } from './port.ts';

/** The base's tree as an index, made once: each change starts from a copy. */
export const baseIndexName = 'aas-index';
/** Larger diffs are refused before git sees them, and larger ones than that are not made. */
const maxDiffBytes = 256 * 1024 * 1024;
/** A few bytes of a binary patch can ask for any amount of memory. */
const applyMemory = '256m';
const maxAppliedDiffs = 8;
/** A header line with a mode that no tree of ours has: git apply takes a folder's, and makes a tree of it that is broken. */
const oddMode =
  /^(?:(?:old|new|new file|deleted file) mode|index [0-9a-f]+\.\.[0-9a-f]+) (?!(?:100644|100755|120000|160000)\r?$)(.*)$/m;

const diffOptions = [
  '--patch',
  '--binary',
  '--full-index',
  '--no-renames',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--ignore-submodules=none',
  '--diff-algorithm=myers',
  '--unified=3',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];

export interface TrustedRepositoryOptions {
  readonly gitDir: string;
  readonly commit: Oid;
  readonly tree: Oid;
  /** A directory for layers, on the same file system. */
  readonly layers: string;
}

interface Applied {
  readonly layer: Layer;
  readonly tree: Oid;
}

export function createTrustedRepository(options: TrustedRepositoryOptions): TrustedRepository {
  const { gitDir, commit, tree } = options;
  const layers = createLayers(options.layers, join(gitDir, baseIndexName));
  const reading = (): GitCall => ({ gitDir, readFrom: layers.objects() });
  const writing = (layer: Layer): GitCall => ({
    gitDir,
    indexFile: layer.index,
    writeTo: layer.objects,
    readFrom: [join(gitDir, 'objects')],
  });

  async function writeTree(layer: Layer): Promise<Oid> {
    const written = await git(['write-tree'], writing(layer));
    await rm(layer.index);
    return written.toString().trim();
  }

  async function apply(diff: Uint8Array): Promise<Applied> {
    if (diff.byteLength > maxDiffBytes)
      throw unusablePatch(`it has ${diff.byteLength} bytes, at most ${maxDiffBytes} are taken`);
    const mode = oddMode.exec(Buffer.from(diff).toString('latin1'))?.[1];
    if (mode !== undefined) throw unusablePatch(`${JSON.stringify(mode.slice(0, 20))} is no mode of a file`);
    const layer = await layers.open();
    try {
      await git(['apply', '--cached', '--binary', '--whitespace=nowarn', '-'], {
        ...writing(layer),
        environment: { GIT_ALLOC_LIMIT: applyMemory },
        input: diff,
      });
      return { layer, tree: await writeTree(layer) };
    } catch (error) {
      if (error instanceof GitError && error.reason !== 'machine')
        throw unusablePatch(error.stderr || error.message, error);
      throw error;
    }
  }

  // Stages of one process ask for the same diff one after the other: judge it, check it out, promote it.
  const applied = new Map<string, Promise<Applied>>();
  async function applyDiff(diff: Uint8Array): Promise<Oid> {
    const digest = sha256(diff);
    const pending = applied.get(digest);
    const known = pending && (await pending);
    if (known && (await known.layer.touch())) return known.tree;
    const applying = apply(diff);
    applied.set(digest, applying);
    const oldest = applied.size > maxAppliedDiffs ? applied.keys().next().value : undefined;
    if (oldest !== undefined) applied.delete(oldest);
    applying.catch(() => applied.delete(digest));
    return (await applying).tree;
  }

  async function readOne(name: string, maxBytes: number, tooLarge: (cause?: unknown) => Error): Promise<Buffer | null> {
    const [bytes] = await readBlobs([name], maxBytes, reading()).catch(orTooLarge(tooLarge));
    if (bytes && bytes.length > maxBytes) throw tooLarge();
    return bytes ?? null;
  }

  let listing: Promise<ReadonlyMap<string, BaseEntry>> | undefined;

  return {
    gitDir,
    commit,
    tree,
    applyDiff,

    entries: () => {
      listing ??= list(tree, reading());
      listing.catch(() => (listing = undefined));
      return listing;
    },

    readFile: (path, maxBytes) => {
      // Names go to git by the line, and it has a reading of its own for what begins with a dot.
      const plain =
        !/[\0\n]/.test(path) && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');
      const what = `${path} of ${commit}`;
      const tooLarge = largerThan(failures.sourceUnusable, what, maxBytes);
      return plain ? readOne(`${commit}:${path}`, maxBytes, tooLarge) : Promise.resolve(null);
    },

    readBlob: async (oid, maxBytes) => {
      const bytes = await readOne(oid, maxBytes, largerThan(failures.patchUnusable, `Blob ${oid}`, maxBytes));
      if (!bytes) throw refusal(failures.patchUnusable, `There is no blob ${oid} in the base or in a change on it`);
      return bytes;
    },

    readBlobs: async (oids, maxBytes) => {
      const tooLarge = largerThan(failures.patchUnusable, `${oids.length} files`, maxBytes);
      const blobs = await readBlobs(oids, maxBytes, reading()).catch(orTooLarge(tooLarge));
      return new Map(oids.flatMap((oid, n) => (blobs[n] ? [[oid, blobs[n]] as const] : [])));
    },

    changes: (changed) => readChanges(tree, changed, reading()),

    diff: (changed) =>
      git(['diff-tree', ...diffOptions, tree, changed], { ...reading(), maxOutputBytes: maxDiffBytes }).catch(
        orTooLarge(largerThan(failures.patchUnusable, 'The diff', maxDiffBytes)),
      ),

    draft: async () => {
      const layer = await layers.open();
      return {
        putBlob: (oid, bytes) => writeBlob(layer.objects, oid, bytes),
        write: async (edits) => {
          const removed = [...edits].flatMap(([path, edit]) =>
            edit === null ? [`0 ${'0'.repeat(40)}\t${path}\0`] : [],
          );
          const set = [...edits].flatMap(([path, edit]) => (edit ? [`${edit.mode} ${edit.oid}\t${path}\0`] : []));
          // A file may stand where a directory was: that has to go first.
          const input = Buffer.from([...removed, ...set].join(''), 'latin1');
          await git(['update-index', '-z', '--index-info'], { ...writing(layer), input });
          return writeTree(layer);
        },
      };
    },

    packCommit: async ({ tree: changed, message, seconds }) => {
      const layer = await layers.open();
      const who = { NAME: 'AAS', EMAIL: 'aas@localhost', DATE: `@${seconds} +0000` };
      const identity = ['AUTHOR', 'COMMITTER'].flatMap((role) =>
        Object.entries(who).map(([key, value]) => [`GIT_${role}_${key}`, value] as const),
      );
      const made = await git(['commit-tree', changed, '-p', commit, '-F', '-'], {
        ...writing(layer),
        readFrom: [join(gitDir, 'objects'), ...layers.objects()],
        environment: Object.fromEntries(identity),
        input: Buffer.from(message),
      });
      const oid = made.toString().trim();
      const input = Buffer.from(`${oid}\n^${commit}\n`);
      return { oid, pack: await git(['pack-objects', '-q', '--stdout', '--revs'], { ...reading(), input }) };
    },

    checkout: async (directory, { diff, uid, gid }) => {
      const changed = diff === null ? null : await applyDiff(diff);
      await writeCheckout(directory, { gitDir, commit, tree, changed, call: reading(), uid, gid });
    },
  };
}

async function list(tree: Oid, call: GitCall): Promise<ReadonlyMap<string, BaseEntry>> {
  const output = await git(['ls-tree', '-r', '-l', '-z', '--full-tree', tree], call);
  const entries = new Map<string, BaseEntry>();
  for (const line of output.toString('latin1').split('\0')) {
    const match = /^(\d+) \w+ ([0-9a-f]{40}) +(\d+|-)\t([^]+)$/.exec(line);
    if (match) {
      const [, mode = '', oid = '', size = '', path = ''] = match;
      entries.set(path, { mode, oid, bytes: size === '-' ? 0 : Number(size) });
    }
  }
  return entries;
}

const unusablePatch = (why: string, cause?: unknown) =>
  refusal(failures.patchUnusable, `The patch does not apply to the base: ${why}`, cause);

const largerThan =
  (type: typeof failures.patchUnusable | typeof failures.sourceUnusable, what: string, maxBytes: number) =>
  (cause?: unknown): Error =>
    refusal(type, `${what} is larger than ${maxBytes} bytes`, cause);

/** Turns git's "too much output" into a refusal that says which limit it was. */
const orTooLarge =
  (tooLarge: (cause: unknown) => Error) =>
  (error: unknown): never => {
    throw error instanceof GitError && error.reason === 'output' ? tooLarge(error) : error;
  };
