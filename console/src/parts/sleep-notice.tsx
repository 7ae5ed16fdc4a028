import type { Session } from '@streamspace/protocol';
import { useSessionActions } from '../state/actions.ts';
import { useConsole } from '../state/console.ts';
import { Button } from './button.tsx';

/** Seconds until the unused session is hibernated; null: no announcement. */
export function useSleepsIn(session: Session | null | undefined): number | null {
  const { live, now } = useConsole();
  if (!session?.sleeps_at || session.state !== 'running') return null;
  return Math.max(0, Math.floor((Date.parse(session.sleeps_at) - now.value - live.hubAheadMs.value) / 1_000));
}

/** Shown before an unused session is hibernated: every viewer, also view-only, may keep it awake. Typing does the same. */
export function SleepNotice({ session }: { session: Session }) {
  const seconds = useSleepsIn(session);
  const { busy, stayAwake } = useSessionActions(session);
  if (seconds === null) return null;
  return (
    <div class="sleep-notice" data-testid="sleep-notice">
      {/* the seconds are not read out, one after the other */}
      <p role="alert">Nobody has used this session for a while: it goes to sleep soon, and what runs in it is ended.</p>
      <b role="timer" data-testid="sleeps-in">
        {seconds} s
      </b>
      <Button
        icon="wake"
        kind="primary"
        testid="stay-awake"
        busy={busy.value === 'stay-awake'}
        onClick={() => void stayAwake()}
      >
        Stay awake
      </Button>
    </div>
  );
}
