import { useSignal } from '@preact/signals';
import type { Session } from '@streamspace/protocol';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useConsole } from '../state/console.ts';
import { href } from '../state/route.ts';

/** Milliseconds between two checks of a visible card for a newer picture. */
const LOOK_MS = 10_000;

interface SessionScreenProps {
  session: Session;
  name: string;
  openable: boolean;
}

/** The last picture of its screen; without one a drawing. */
export function SessionScreen({ session, name, openable }: SessionScreenProps) {
  const { pictures } = useConsole();
  const box = useRef<HTMLElement>(null);
  useRenewed(box, session, openable);
  const picture = pictures.all.value.get(session.id);
  const inside =
    picture !== undefined ? (
      <img src={picture.url} alt="" data-testid="session-picture" />
    ) : (
      <svg class="screen-drawing" viewBox="0 0 160 100" aria-hidden="true">
        <rect x="22" y="18" width="76" height="50" rx="4" />
        <path d="M22 28h76" />
        <rect x="66" y="40" width="70" height="42" rx="4" />
        <path d="M66 50h70M76 60h30M76 69h18" />
      </svg>
    );
  return openable ? (
    <a
      class="screen"
      href={href.viewer(session.id)}
      tabIndex={-1}
      aria-hidden="true"
      title={`Open ${name}`}
      ref={box as RefObject<HTMLAnchorElement>}
    >
      {inside}
    </a>
  ) : (
    <div class="screen" ref={box as RefObject<HTMLDivElement>}>
      {inside}
    </div>
  );
}

/** Renews the picture from time to time, while the card is visible. */
function useRenewed(box: RefObject<HTMLElement | null>, { id, state }: Session, openable: boolean): void {
  const { pictures, now } = useConsole();
  const inSight = useSignal(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => void (inSight.value = entries.at(-1)!.isIntersecting));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [openable]);
  const wanted = inSight.value && (state === 'running' || state === 'hibernated');
  useEffect(() => {
    if (wanted) pictures.want(id);
  }, [wanted, id, state, Math.floor(now.value / LOOK_MS)]);
}
