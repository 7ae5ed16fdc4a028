import { useRef } from 'preact/hooks';
import type { Session } from '@streamspace/protocol';
import { StateBadge } from '../parts/badge.tsx';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { useRoving } from '../parts/roving.ts';
import { href } from '../state/route.ts';
import type { Scaling } from '../state/screen-settings.ts';
import { SCALING_WORDS } from './display-panel.tsx';

export interface ToolbarProps {
  name: string;
  session: Session | null | undefined;
  clipboard: boolean;
  keyBar: boolean;
  fullScreen: boolean;
  viewOnly: boolean;
  scaling: Scaling;
  display: boolean;
  onClipboard: () => void;
  onFullScreen: () => void;
  onViewOnly: () => void;
  onDisplay: () => void;
  onKeyBar: () => void;
  onReconnect: () => void;
}

export function Toolbar(props: ToolbarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const onKeyDown = useRoving(bar);
  return (
    <div class="viewer-bar" role="toolbar" aria-label="Screen" ref={bar} onKeyDown={onKeyDown}>
      <div class="viewer-name">
        <a
          class="button quiet only-icon"
          href={href.sessions}
          aria-label="Back to the sessions"
          title="Back to the sessions"
          data-testid="viewer-back"
        >
          <Icon name="back" />
        </a>
        <h1 title={props.name}>
          <bdi>{props.name}</bdi>
        </h1>
        {props.session && <StateBadge state={props.session.state} />}
        {props.viewOnly && (
          <span class="badge rest" data-testid="view-only">
            View only
          </span>
        )}
      </div>
      <div class="viewer-tools">
        <Button
          icon="clipboard"
          kind="quiet"
          label="Clipboard"
          expanded={props.clipboard}
          testid="viewer-clipboard"
          onClick={props.onClipboard}
        />
        <Button
          icon="eye"
          kind="quiet"
          label="View only: keys and pointer stay here"
          pressed={props.viewOnly}
          testid="viewer-view-only"
          onClick={props.onViewOnly}
        />
        <button
          type="button"
          class="button quiet scaling"
          data-testid="viewer-display"
          data-scaling={props.scaling}
          title="Display: size, quality, round trip"
          aria-expanded={props.display}
          onClick={props.onDisplay}
        >
          <Icon name="fit" />
          <span>{SCALING_WORDS[props.scaling]}</span>
        </button>
        <Button
          icon="keys"
          kind="quiet"
          label="Keys: Esc, Ctrl, Ctrl-Alt-Del and others"
          expanded={props.keyBar}
          testid="viewer-keys"
          onClick={props.onKeyBar}
        />
        <Button icon="again" kind="quiet" label="Reconnect" testid="viewer-reconnect" onClick={props.onReconnect} />
        <Button
          icon={props.fullScreen ? 'unfull' : 'full'}
          kind="quiet"
          label={props.fullScreen ? 'Leave full screen' : 'Full screen'}
          pressed={props.fullScreen}
          testid="viewer-full-screen"
          onClick={props.onFullScreen}
        />
      </div>
    </div>
  );
}
