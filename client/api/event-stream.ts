/** Server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html). */
import { once } from 'node:events';
import type { Response } from 'express';

export interface EventStream {
  /** `data` is sent as one line of JSON. Waits while the reader is slower than we are. */
  send(event: { readonly id?: string; readonly event: string; readonly data: unknown }): Promise<void>;
  /** Says that we are here when nothing was sent for a while, so that proxies and readers keep the line open. */
  beat(): void;
}

/** Under the 30 s after which common proxies give up on a silent line. */
const beatMs = 15_000;

export function openEventStream(res: Response, signal: AbortSignal): EventStream {
  res.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    // nginx collects answers otherwise, and a live stream arrives in lumps.
    'X-Accel-Buffering': 'no',
  });
  res.flushHeaders();
  res.write('retry: 1000\n\n');
  let lastMs = Date.now();
  return {
    async send({ id, event, data }) {
      lastMs = Date.now();
      const head = id === undefined ? '' : `id: ${id}\n`;
      if (res.write(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`) || signal.aborted) return;
      // A reader that went away while we wait for it ends the wait.
      await once(res, 'drain', { signal }).catch(() => undefined);
    },
    beat() {
      if (Date.now() - lastMs < beatMs) return;
      lastMs = Date.now();
      res.write(': here\n\n');
    },
  };
}
