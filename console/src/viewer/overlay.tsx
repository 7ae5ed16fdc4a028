import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { href } from '../state/route.ts';
import type { Overlay } from './overlay-words.ts';

interface StatusOverlayProps {
  overlay: Overlay;
  waking: boolean;
  onWake: () => void;
  onReconnect: () => void;
}

export function StatusOverlay({ overlay, waking, onWake, onReconnect }: StatusOverlayProps) {
  return (
    <div class="viewer-overlay" data-testid="viewer-status" data-kind={overlay.kind} role="status">
      <div class={`overlay-box ${overlay.kind}`}>
        {overlay.busy ? <div class="spinner" aria-hidden="true" /> : <Icon name={iconOf(overlay.kind)} />}
        <h2>{overlay.title}</h2>
        {overlay.text !== '' && <p>{overlay.text}</p>}
        {overlay.action === 'wake' && (
          <Button icon="wake" kind="primary" testid="wake-session" busy={waking} onClick={onWake}>
            {overlay.kind === 'failed' ? 'Start it again' : 'Wake it'}
          </Button>
        )}
        {overlay.action === 'reconnect' && (
          <Button icon="again" kind="primary" testid="viewer-reconnect-now" onClick={onReconnect}>
            Reconnect
          </Button>
        )}
        {overlay.action === 'back' && (
          <a class="button primary" href={href.sessions}>
            <Icon name="back" />
            <span>Back to the sessions</span>
          </a>
        )}
      </div>
    </div>
  );
}

function iconOf(kind: Overlay['kind']) {
  return kind === 'hibernated' ? 'sleep' : 'alert';
}
