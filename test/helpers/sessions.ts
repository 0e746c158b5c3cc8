/** A bench for a test: the lab is opened once for each file, since starting its workers would be most of a test's time. */
import { afterAll, inject } from 'vitest';
import type { Steps } from './fake-steps.ts';
import { openLab } from './lab.ts';
import type { Bench, Lab } from './lab.ts';

let lab: Promise<Lab> | undefined;
afterAll(async () => (await lab)?.close());

/** Lends a bench whose steps are those that pass, but for `change`. */
export async function withBench(change: Partial<Steps>, use: (bench: Bench) => Promise<void>): Promise<void> {
  const { bench } = await (lab ??= openLab(inject('temporalAddress')));
  await use(bench(change));
}
