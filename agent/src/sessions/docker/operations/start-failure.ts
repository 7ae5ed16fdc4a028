import { StreamSpaceError } from '@streamspace/protocol';
import { DeadlineError } from 'clock-port';
import { type Failure, failed, kindOf } from '../../core/failure.ts';
import { EngineError } from '../engine/error.ts';
import { engineRefusal, isFull } from '../state/reason.ts';

/** Why a start failed, in words for whoever wanted it. `waitsFor`: what it waited for last; `ms`: its deadline. */
export function startFailure(error: unknown, waitsFor: Failure, image: string, ms: number): StreamSpaceError {
  if (error instanceof StreamSpaceError) return error;
  if (error instanceof DeadlineError)
    return failed({ ...waitsFor, reason: `Not started within ${Math.round(ms / 1_000)} s: ${waitsFor.reason}` });
  if (!(error instanceof Error)) return failed({ reason: String(error) });
  const failure = error instanceof EngineError ? engineRefusal(error, image) : { reason: error.message };
  if (isFull(error)) return new StreamSpaceError('disk_full', failure.reason, kindOf(failure.code), { cause: error });
  return failed(failure, { cause: error });
}
