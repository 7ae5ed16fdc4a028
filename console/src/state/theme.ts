import { effect, type Signal, signal } from '@preact/signals';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
const KEY = 'streamspace.theme';

/** Light, dark or as the system says; kept in this browser and written to `<html data-theme>`. */
export function createTheme(storage: Storage): Signal<Theme> {
  const theme = signal<Theme>(THEMES.find((name) => name === storage.getItem(KEY)) ?? 'system');
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    storage.setItem(KEY, theme.value);
  });
  return theme;
}
