/** One translator from what engines and their sockets say to our failures. */
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal, trouble } from '../../failures.ts';
import { StartFailed } from './port.ts';

export interface FailedCall {
  /** `create`, `start`, ... */
  readonly call: string;
  readonly engine: string;
  readonly socket: string;
  readonly image?: string;
}

/**
 * The HTTP status an engine answered with, or null when it did not answer. Podman says 500 for a name that is taken while
 * its container is still being made, and for a container that is being removed.
 */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')) return null;
  if (error.statusCode === 500 && /no such container/.test(error.message)) return 404;
  if (error.statusCode === 500 && /name .* is already in use/.test(error.message)) return 409;
  return error.statusCode;
}

/** What an engine's error means for us. The cause is kept. */
export function explainEngineError(error: unknown, { call, engine, socket, image }: FailedCall): Error {
  const status = statusOf(error);
  const said = error instanceof Error ? error.message.trim() : String(error);
  if (status === null) {
    const why = error instanceof Error && error.name === 'TimeoutError' ? 'gave no answer in time' : said;
    return trouble(
      failures.sandboxUnavailable,
      `The container engine (${engine} at ${socket}) does not answer (${call}): ${why}. Is it running? See \`aas doctor\``,
      error,
    );
  }
  if (call === 'create' && status === 404) {
    return refusal(
      failures.badInput,
      `${engine} has no image ${image}. \`make setup\` builds the sandbox image; import any other one into ${engine} first`,
      error,
    );
  }
  if (call === 'create' && status === 400) {
    return refusal(failures.badInput, `${engine} refuses to make this container: ${said}`, error);
  }
  if (call === 'start') return new StartFailed(said, { cause: error });
  return trouble(failures.sandboxUnavailable, `${engine} failed to ${call} a container: ${said}`, error);
}
