import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../parts/button.tsx';

interface ClipboardPanelProps {
  /** Latest text that the desktop copied. */
  received: string;
  /** False while the screen is away or view-only. */
  canSend: boolean;
  /** Returns the reason why it can't be sent, in words, or null. */
  onSend: (text: string) => string | null;
  onClose: () => void;
}

/** Transfers text both ways if the browser allows clipboard access only on a user's action, and lets the user view or edit it before. */
export function ClipboardPanel({ received, canSend, onSend, onClose }: ClipboardPanelProps) {
  const text = useSignal(received);
  const said = useSignal('');
  const area = useRef<HTMLTextAreaElement>(null);
  // text copied in the desktop does not replace a draft
  const shown = useSignal(received);
  const isDraft = text.value !== shown.value;
  const show = () => void (text.value = shown.value = received);
  useEffect(() => {
    if (!isDraft) show();
  }, [received]);
  useEffect(() => area.current?.focus(), []);

  const send = () => {
    const refusal = onSend(text.value);
    said.value = refusal ?? 'Sent. Paste it in the desktop with its own shortcut.';
    if (refusal === null) shown.value = text.value;
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text.value);
      said.value = 'Copied to this computer.';
    } catch {
      area.current?.select();
      said.value = 'This browser does not allow it: press Ctrl+C, the text is selected.';
    }
  };
  const fetchLocal = async () => {
    try {
      text.value = await navigator.clipboard.readText();
      if (canSend) send();
    } catch {
      area.current?.focus();
      said.value = 'This browser does not allow it: press Ctrl+V here, then Send.';
    }
  };

  return (
    <section
      class="viewer-panel"
      aria-label="Clipboard"
      data-testid="clipboard-panel"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header>
        <h2>Clipboard</h2>
        <Button icon="close" kind="quiet" label="Close the clipboard" onClick={onClose} />
      </header>
      <label for="clipboard-text">
        What you copy in the desktop appears here; what you write or paste here you can send to it.
      </label>
      <textarea
        id="clipboard-text"
        ref={area}
        data-testid="clipboard-text"
        rows={6}
        spellcheck={false}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          said.value = '';
        }}
      />
      {isDraft && received !== shown.value && (
        <p class="clipboard-news" data-testid="clipboard-news" role="status">
          Something else was copied in the desktop.
          <Button testid="clipboard-show" onClick={show}>
            Show it
          </Button>
        </p>
      )}
      <div class="clipboard-actions">
        <Button kind="primary" testid="clipboard-send" disabled={!canSend} onClick={send}>
          Send to the desktop
        </Button>
        <Button onClick={() => void fetchLocal()}>Paste from this computer</Button>
        <Button onClick={() => void copy()}>Copy to this computer</Button>
      </div>
      <p class="muted" role="status" data-testid="clipboard-said">
        {canSend ? said.value : 'The screen is view-only or away: nothing can be sent now.'}
      </p>
    </section>
  );
}
