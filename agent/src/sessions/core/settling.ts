import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import { abortable, DeadlineError } from 'clock-port';

/**
 * Runs `work` and settles when it does or when the signal aborts, whichever is first; throws nothing but {@link StreamSpaceError}.
 * `meaning`: the platform's own errors in words for the hub; undefined for those that are none of its own.
 */
export async function settling<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  meaning: (error: unknown) => StreamSpaceError | undefined = () => undefined,
): Promise<T> {
  try {
    return await abortable(signal, work);
  } catch (error) {
    if (error instanceof StreamSpaceError) throw error;
    const meant = meaning(error);
    if (meant !== undefined) throw meant;
    if (!signal.aborted) throw asStreamSpaceError(error, 'driver_failed');
    const { reason } = signal as { reason: unknown };
    throw asStreamSpaceError(reason, reason instanceof DeadlineError ? 'command_timeout' : 'command_aborted');
  }
}
