/** How many containers an engine started, by its own events. */
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { onTestFinished } from 'vitest';

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly Attributes: { readonly name?: string } };
}

/** Docker says `destroy`, Podman `remove`. */
const removals = new Set(['destroy', 'remove']);

/**
 * Watches from now on until the test ends. The function it resolves with says how often a container of a name was started;
 * events come in order, so it waits for the one of the container's removal.
 */
export async function watchStarts(host: string): Promise<(name: string) => Promise<number>> {
  const docker = new Docker({ socketPath: host.replace('unix://', '') });
  const stream = (await docker.getEvents({ filters: { type: ['container'] } })) as unknown as Readable;
  onTestFinished(() => void stream.destroy());
  const started = new Map<string, number>();
  const removed = new Set<string>();
  const news = new EventEmitter();
  createInterface(stream).on('line', (line) => {
    const { Action, Actor } = JSON.parse(line) as EngineEvent;
    const name = Actor.Attributes.name ?? '';
    if (Action === 'start') started.set(name, (started.get(name) ?? 0) + 1);
    if (removals.has(Action)) removed.add(name);
    news.emit('event');
  });
  return async (name) => {
    while (!removed.has(name)) await once(news, 'event');
    return started.get(name) ?? 0;
  };
}
