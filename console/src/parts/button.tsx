import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps {
  icon?: IconName;
  children?: ComponentChildren;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  /** Label of a button that shows only its icon. */
  label?: string;
  pressed?: boolean;
  disabled?: boolean;
  busy?: boolean;
  submit?: boolean;
  testid?: string;
  autofocus?: boolean;
  expanded?: boolean;
  onClick?: () => void;
}

export function Button({ icon, children, kind = 'plain', label, submit, busy, testid, ...rest }: ButtonProps) {
  return (
    <button
      type={submit ? 'submit' : 'button'}
      class={`button ${kind}${children === undefined ? ' only-icon' : ''}${busy ? ' busy' : ''}`}
      aria-label={label}
      title={label}
      aria-pressed={rest.pressed}
      aria-expanded={rest.expanded}
      aria-busy={busy}
      disabled={(rest.disabled ?? false) || (busy ?? false)}
      data-testid={testid}
      data-autofocus={rest.autofocus ? '' : undefined}
      onClick={rest.onClick}
    >
      {icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}
