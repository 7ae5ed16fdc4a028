import type { Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Session } from '@streamspace/protocol';
import { wordsOf } from '../words/sentence.ts';
import { useConsole } from '../state/console.ts';
import type { ScreenSettings } from '../state/screen-settings.ts';
import type { ScreenPhase } from './phase.ts';
import { isTyping, keysLost } from './typing.ts';
import type { ScreenLink } from './screen.ts';

interface ScreenUse {
  /** Filled while there is a screen. */
  link: Signal<ScreenLink | null>;
  session: Session | null | undefined;
  holder: RefObject<HTMLElement | null>;
  /** Keeps the last picture, dimmed, while the screen is away. */
  ghost: RefObject<HTMLCanvasElement | null>;
  onClipboard: (text: string) => void;
  onPaste: (text: string) => boolean;
}

/** Milliseconds between two updates of the small picture on the sessions page. */
const PICTURE_MS = 10_000;

/** The screen of a session while it runs. */
export function useScreen({ link, session, holder, ghost, onClipboard, onPaste }: ScreenUse) {
  const { hub, live, pictures, toasts, webSocketUrl } = useConsole();
  const running = session?.state === 'running';
  const id = session?.id;
  const agent = session?.agent;

  useEffect(() => {
    if (!running || id === undefined) return;
    const stop = new AbortController();
    const keepPicture = () => {
      const canvas = holder.current?.querySelector('canvas');
      if (canvas && link.value?.phase.value.kind === 'connected') pictures.keep(id, canvas);
    };
    const deaf = live.listen((event) => {
      // A new leader connected, or the session runs again: no need to wait for the next attempt.
      const away = link.value !== null && link.value.phase.value.kind !== 'connected';
      const news =
        event.type === 'agent.registered'
          ? event.agent === agent
          : event.type === 'session.updated' && event.session === id;
      if (away && news) link.value?.kick();
    });
    // The hub answers again.
    const unlink = live.link.subscribe((state) => {
      if (state === 'live' && link.peek()?.phase.peek().kind === 'reconnecting') link.peek()?.kick();
    });
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event, holder.current)) link.peek()?.typed();
    };
    addEventListener('keydown', onKey, { capture: true });
    const renew = setInterval(keepPicture, PICTURE_MS);
    const run = async () => {
      // noVNC is most of the code: fetched when a screen is opened, not with the first page.
      const screen = await import('./screen.ts');
      if (stop.signal.aborted) return;
      link.value = new screen.ScreenLink({
        holder: holder.current!,
        ticket: (signal) => hub.ticket(id, signal),
        whyNoSocket: (ticket, signal) => hub.whyNoSocket(id, ticket, signal),
        webSocketUrl,
        onClipboard,
        onPaste,
        onLostKeys: (keys) => toasts.info(`${keysLost(keys)} The screen is back.`),
        onLastPicture(canvas) {
          copyPicture(canvas, ghost.current);
          pictures.keep(id, canvas);
        },
      });
      await link.value.run(stop.signal);
    };
    run().catch((error: unknown) =>
      toasts.error(`The viewer could not be loaded: ${wordsOf(error)}. Load the page again.`),
    );
    return () => {
      clearInterval(renew);
      removeEventListener('keydown', onKey, { capture: true });
      keepPicture();
      deaf();
      unlink();
      stop.abort();
      link.value = null;
    };
  }, [running, id, agent]);

  const phase: ScreenPhase = link.value?.phase.value ?? { kind: 'connecting' };
  return {
    phase,
    lostKeys: link.value?.lostKeys.value ?? 0,
    roundTripMs: link.value?.roundTripMs.value ?? null,
    dress(settings: ScreenSettings) {
      if (link.value) link.value.settings = settings;
    },
  };
}

function copyPicture(from: HTMLCanvasElement, to: HTMLCanvasElement | null): void {
  if (!to || from.width === 0 || from.height === 0) return;
  to.width = from.width;
  to.height = from.height;
  to.getContext('2d')?.drawImage(from, 0, 0);
}
