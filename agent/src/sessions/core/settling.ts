import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import { abortable, DeadlineError } from 'clock-port';

/**
 * Runs `work`; settles when `work` does or when the signal aborts, whichever comes first. Throws only {@link StreamSpaceError}.
 * `meaning`: the platform's own errors as errors for the hub; undefined for all other errors.
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
