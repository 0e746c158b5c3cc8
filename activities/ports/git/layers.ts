/**
 * Objects of changes, kept apart from the objects of the base: a layer is a throw-away object directory with the base
 * beneath it. The oldest go first, so that no number of hostile rounds makes a kept base repository grow.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { touch } from './unused.ts';

export interface Layer {
  readonly objects: string;
  /** An index that holds the base's tree; of this layer alone. */
  readonly index: string;
  /** Keeps it from being swept for a while. False when it is gone. */
  readonly touch: () => Promise<boolean>;
}

export interface Layers {
  open(): Promise<Layer>;
  /** Object directories of the layers that are there. */
  objects(): readonly string[];
}

/** More than steps that work on one base at once in one process; a step keeps its layer for seconds. */
const maxLayers = 64;

export function createLayers(directory: string, baseIndex: string): Layers {
  const kept: string[] = [];
  return {
    open: async () => {
      await mkdir(directory, { recursive: true });
      const root = await mkdtemp(join(directory, 'layer-'));
      const layer: Layer = { objects: join(root, 'objects'), index: join(root, 'index'), touch: () => touch(root) };
      await mkdir(layer.objects);
      await copyFile(baseIndex, layer.index);
      kept.push(root);
      const oldest = kept.length > maxLayers ? kept.shift() : undefined;
      if (oldest !== undefined) await rm(oldest, { recursive: true, force: true });
      return layer;
    },
    objects: () => kept.map((root) => join(root, 'objects')),
  };
}
