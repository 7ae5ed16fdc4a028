import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import { DeadlineError } from 'clock-port';

/** Runs `work` and settles when it does or when the signal aborts, whichever is first; throws nothing but {@link StreamSpaceError}. */
export async function settling<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let onAbort: (() => void) | undefined;
  try {
    signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    return await Promise.race([work(), aborted]);
  } catch (error) {
    throw signal.aborted && !(error instanceof StreamSpaceError)
      ? abortError(signal.reason)
      : asStreamSpaceError(error, 'driver_failed');
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

function abortError(reason: unknown): StreamSpaceError {
  return asStreamSpaceError(reason, reason instanceof DeadlineError ? 'command_timeout' : 'command_aborted');
}
