import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { type Scaling, SCALINGS, type ScreenSettings } from '../state/screen-settings.ts';

interface DisplayPanelProps {
  settings: ScreenSettings;
  /** Another viewer decides the size. */
  othersSteer: boolean;
  /** Milliseconds to the hub and back; null: not known yet. */
  roundTripMs: number | null;
  onChange: (change: Partial<ScreenSettings>) => void;
  onClose: () => void;
}

export const SCALING_WORDS: Readonly<Record<Scaling, string>> = { match: 'Match', fit: 'Fit', actual: '1 : 1' };
const SCALING_HELP: Readonly<Record<Scaling, string>> = {
  match: 'the desktop takes the size of the window',
  fit: 'scaled to fit the window',
  actual: 'the desktop’s own pixels, unscaled',
};
const QUALITIES = { Low: 2, Medium: 6, High: 8, Best: 9 } as const;
const COMPRESSIONS = { Least: 0, Normal: 2, More: 6, Most: 9 } as const;

/** Settings of display and of transmission. */
export function DisplayPanel({ settings, othersSteer, roundTripMs, onChange, onClose }: DisplayPanelProps) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.querySelector<HTMLElement>('input:checked')?.focus(), []);
  return (
    <section
      class="viewer-panel"
      aria-label="Display"
      data-testid="display-panel"
      ref={box}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header>
        <h2>Display</h2>
        <Button icon="close" kind="quiet" label="Close the display settings" onClick={onClose} />
      </header>
      <fieldset>
        <legend>Size</legend>
        {SCALINGS.map((scaling) => (
          <label key={scaling} class="check">
            <input
              type="radio"
              name="size"
              data-testid={`size-${scaling}`}
              checked={settings.scaling === scaling}
              onChange={() => onChange({ scaling })}
            />
            <span>
              {SCALING_WORDS[scaling]} <small>{SCALING_HELP[scaling]}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {othersSteer && (
        <p data-testid="others-steer" role="status">
          Another viewer of this session decides its size.
        </p>
      )}
      <Level
        name="quality"
        label="Quality of pictures"
        levels={QUALITIES}
        value={settings.quality}
        onChange={(quality) => onChange({ quality })}
      />
      <Level
        name="compression"
        label="Compression"
        levels={COMPRESSIONS}
        value={settings.compression}
        onChange={(compression) => onChange({ compression })}
      />
      <p data-testid="round-trip">
        To the hub and back: {roundTripMs === null ? 'not known yet' : `${Math.max(1, Math.round(roundTripMs))} ms`}
      </p>
    </section>
  );
}

interface LevelProps {
  name: string;
  label: string;
  levels: Readonly<Record<string, number>>;
  value: number;
  onChange: (level: number) => void;
}

function Level({ name, label, levels, value, onChange }: LevelProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select data-testid={name} value={value} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {Object.entries(levels).map(([word, level]) => (
          <option key={word} value={level}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}
