import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { RestError } from '../api/http.ts';
import { wordsOf } from '../words/sentence.ts';
import { useConsole } from '../state/console.ts';
import { SleepNotice, useSleepsIn } from '../parts/sleep-notice.tsx';
import { useTitle } from '../state/title.ts';
import { ClipboardPanel } from '../viewer/clipboard-panel.tsx';
import { KeyBar } from '../viewer/key-bar.tsx';
import { StatusOverlay } from '../viewer/overlay.tsx';
import { overlayOf } from '../viewer/overlay-words.ts';
import { useEscapeKeys, useFullScreen, useLeaveQuestion } from '../viewer/page-keys.ts';
import { useVisibleHeight } from '../viewer/visible-height.ts';
import { DisplayPanel } from '../viewer/display-panel.tsx';
import type { ScreenSettings } from '../state/screen-settings.ts';
import { Toolbar } from '../viewer/toolbar.tsx';
import type { ScreenLink } from '../viewer/screen.ts';
import { useClipboard } from '../viewer/use-clipboard.ts';
import { useScreen } from '../viewer/use-screen.ts';

export function ViewerPage({ id }: { id: string }) {
  const { hub, screens, world, toasts } = useConsole();
  const page = useRef<HTMLElement>(null);
  const holder = useRef<HTMLDivElement>(null);
  const ghost = useRef<HTMLCanvasElement>(null);
  const clipboard = useSignal(false);
  // a phone has no such keys
  const keyBar = useSignal(matchMedia('(pointer: coarse)').matches);
  const keyboard = useSignal(false);
  const display = useSignal(false);
  const settings = useSignal(screens.of(id));
  const { scaling, viewOnly } = settings.value;
  const change = (some: Partial<ScreenSettings>) => {
    settings.value = { ...settings.value, ...some };
    screens.keep(id, settings.value);
  };
  const waking = useSignal(false);
  const missing = useMissing(id);

  const session = world.sessions.value.get(id) ?? (missing ? null : undefined);
  // a session deleted meanwhile keeps its name here
  const lastName = useRef(id);
  if (session) lastName.current = session.name || session.template;
  const name = lastName.current;
  // also for viewers in another tab
  useTitle(useSleepsIn(session) === null ? name : `Sleeps soon: ${name}`);
  const full = useFullScreen(page);
  const link = useSignal<ScreenLink | null>(null);
  const shared = useClipboard(holder, link);
  const screen = useScreen({
    link,
    session,
    holder,
    ghost,
    onClipboard: (text) => void shared.copied(text),
    onPaste: (text) => shared.pasted(text),
  });
  useVisibleHeight(page);
  useEscapeKeys(page, () => link.value?.blur());
  useEffect(() => screen.dress(settings.value), [link.value, settings.value]);

  const overlay = overlayOf({
    session,
    command: world.commands.value.get(id),
    agent: session ? world.agents.value.get(session.agent) : undefined,
    phase: screen.phase,
    lostKeys: screen.lostKeys,
  });
  useLeaveQuestion(overlay === null);
  const wake = async () => {
    waking.value = true;
    try {
      world.accept(await hub.wake(id));
    } catch (error) {
      toasts.error(wordsOf(error));
    } finally {
      waking.value = false;
    }
  };

  return (
    <main
      class={`viewer${overlay ? ' covered' : ''}`}
      ref={page}
      data-testid="viewer"
      data-phase={overlay?.kind ?? 'connected'}
    >
      <Toolbar
        name={name}
        session={session}
        clipboard={clipboard.value}
        keyBar={keyBar.value}
        fullScreen={full.on}
        viewOnly={viewOnly}
        scaling={scaling}
        display={display.value}
        onClipboard={() => {
          clipboard.value = !clipboard.value;
          display.value = false;
        }}
        onFullScreen={full.toggle}
        onViewOnly={() => change({ viewOnly: !viewOnly })}
        onDisplay={() => {
          display.value = !display.value;
          clipboard.value = false;
        }}
        onKeyBar={() => void (keyBar.value = !keyBar.value)}
        onReconnect={() => link.value?.reconnect()}
      />
      <div class="viewer-stage">
        <canvas class={`ghost ${scaling}`} ref={ghost} aria-hidden="true" />
        <div
          class="viewer-screen"
          ref={holder}
          role="application"
          data-testid="viewer-screen"
          aria-label={`Screen of ${name}. Ctrl+Alt+Shift gives the keyboard back to this page.`}
        />
        {session && <SleepNotice session={session} />}
        {overlay && (
          <StatusOverlay
            overlay={overlay}
            waking={waking.value}
            onWake={() => void wake()}
            onReconnect={() => link.value?.reconnect()}
          />
        )}
        {display.value && (
          <DisplayPanel
            settings={settings.value}
            othersSteer={link.value?.size.others.value ?? false}
            roundTripMs={screen.roundTripMs}
            onChange={change}
            onClose={() => {
              display.value = false;
              link.value?.focus();
            }}
          />
        )}
        {clipboard.value && (
          <ClipboardPanel
            received={shared.received.value}
            canSend={overlay === null && !viewOnly}
            onSend={(text) => shared.send(text)}
            onClose={() => {
              clipboard.value = false;
              link.value?.focus();
            }}
          />
        )}
      </div>
      {keyBar.value && (
        <KeyBar
          canSend={overlay === null && !viewOnly}
          held={link.value?.typist.held.value ?? new Set()}
          keyboardShown={keyboard.value}
          onKeyboard={() => {
            keyboard.value = !keyboard.value;
            if (link.value) link.value.keyboardShown = keyboard.value;
          }}
          onHold={(modifier) => link.value?.typist.hold(modifier)}
          onPress={(key, ...chord) => link.value?.typist.press(key, ...chord)}
        />
      )}
    </main>
  );
}

/** True once the hub has answered that this user has no such session. */
function useMissing(id: string): boolean {
  const { hub, world } = useConsole();
  const missing = useSignal(false);
  const known = world.sessions.value.has(id);
  const loaded = world.loaded.value;
  useEffect(() => {
    if (known || !loaded) return;
    let stale = false;
    hub.session(id).then(
      (session) => {
        if (stale) return;
        if (session.state === 'gone') missing.value = true;
        else
          world.apply({
            id: 1,
            at: session.updated_at,
            type: 'session.updated',
            agent: null,
            session: id,
            user: null,
            data: { ...session },
          });
      },
      (error: unknown) => {
        if (!stale && error instanceof RestError && error.code === 'not_found') missing.value = true;
      },
    );
    return () => {
      stale = true;
    };
  }, [id, known, loaded]);
  return missing.value && !known;
}
