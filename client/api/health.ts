import type { Operations } from '../operations.ts';

export interface ReadyCheck {
  readonly name: string;
  /** Resolves when it is fine, rejects with the reason. */
  readonly check: () => Promise<void>;
}

export interface Health {
  readonly live: true;
  readonly ready: boolean;
  readonly version: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly reason: string | null }[];
}

/** Anybody may ask for health: an answer is kept this long, so that asking often costs nothing. */
const keepMs = 1_000;

export const storeCheck = (operations: Pick<Operations, 'countByStatus'>): ReadyCheck => ({
  name: 'store',
  check: async () => {
    await operations.countByStatus();
  },
});

/** Live while it answers; ready when everything that it needs answers too, and otherwise it says what does not. */
export function createHealth(version: string, checks: readonly ReadyCheck[]): () => Promise<Health> {
  let kept: { readonly until: number; readonly health: Promise<Health> } | null = null;
  const look = async (): Promise<Health> => {
    const results = await Promise.all(
      checks.map(async ({ name, check }) => {
        try {
          await check();
          return { name, ok: true, reason: null };
        } catch (error) {
          return { name, ok: false, reason: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    return { live: true, ready: results.every(({ ok }) => ok), version, checks: results };
  };
  return () => {
    if (kept === null || kept.until < Date.now()) kept = { until: Date.now() + keepMs, health: look() };
    return kept.health;
  };
}
