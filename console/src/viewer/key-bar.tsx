import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { useRoving } from '../parts/roving.ts';
import { functionKey, type Key, SPECIAL_KEYS, type Modifier } from './keys.ts';

interface KeyBarProps {
  /** False while the screen is away or view-only. */
  canSend: boolean;
  held: ReadonlySet<Modifier>;
  keyboardShown: boolean;
  onKeyboard: () => void;
  onHold: (modifier: Modifier) => void;
  onPress: (key: Key, ...chord: Modifier[]) => void;
}

const MODIFIER_WORDS: Readonly<Record<Modifier, string>> = { ctrl: 'Ctrl', alt: 'Alt', super: 'Super' };
const FUNCTIONS = Array.from({ length: 12 }, (_, index) => index + 1);

/** Keys that a phone lacks, or that the browser or the computer would intercept. */
export function KeyBar({ canSend, held, keyboardShown, onKeyboard, onHold, onPress }: KeyBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const functions = useSignal(false);
  const onKeyDown = useRoving(bar);
  const key = (name: string, label: string, value: Key, ...chord: Modifier[]) => (
    <Button
      kind="quiet"
      label={label}
      testid={`key-${name}`}
      disabled={!canSend}
      onClick={() => onPress(value, ...chord)}
    >
      {KEY_WORDS[name] ?? label}
    </Button>
  );
  return (
    <div
      class="key-bar"
      role="toolbar"
      aria-label="Keys"
      data-testid="key-bar"
      ref={bar}
      onKeyDown={onKeyDown}
      // the focus stays at the screen, and a phone's keyboard open
      onMouseDown={(event) => event.preventDefault()}
    >
      <Button
        icon="keys"
        kind="quiet"
        label={keyboardShown ? 'Hide the on-screen keyboard' : 'On-screen keyboard'}
        pressed={keyboardShown}
        disabled={!canSend}
        testid="key-keyboard"
        onClick={onKeyboard}
      />
      {key('escape', 'Esc (Escape)', SPECIAL_KEYS.escape)}
      {key('tab', 'Tab', SPECIAL_KEYS.tab)}
      {(['ctrl', 'alt', 'super'] as const).map((modifier) => (
        <Button
          key={modifier}
          kind="quiet"
          label={`${MODIFIER_WORDS[modifier]}, for the next key`}
          pressed={held.has(modifier)}
          disabled={!canSend}
          testid={`key-${modifier}`}
          onClick={() => onHold(modifier)}
        >
          {MODIFIER_WORDS[modifier]}
        </Button>
      ))}
      {key('left', 'Arrow left', SPECIAL_KEYS.left)}
      {key('up', 'Arrow up', SPECIAL_KEYS.up)}
      {key('down', 'Arrow down', SPECIAL_KEYS.down)}
      {key('right', 'Arrow right', SPECIAL_KEYS.right)}
      {key('alt-tab', 'Alt-Tab', SPECIAL_KEYS.tab, 'alt')}
      {key('ctrl-alt-del', 'Ctrl-Alt-Del', SPECIAL_KEYS.delete, 'ctrl', 'alt')}
      <Button
        kind="quiet"
        label="F1… (function keys)"
        expanded={functions.value}
        testid="key-functions"
        onClick={() => void (functions.value = !functions.value)}
      >
        F1…
      </Button>
      {functions.value && FUNCTIONS.map((number) => key(`f${number}`, `F${number}`, functionKey(number)))}
    </div>
  );
}

const KEY_WORDS: Readonly<Record<string, string>> = { escape: 'Esc', left: '←', up: '↑', down: '↓', right: '→' };
