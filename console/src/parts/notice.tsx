import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** A failure, shown in place and read out at once. */
export function Problem({ children, testid }: { children: ComponentChildren; testid?: string }) {
  const box = useRef<HTMLDivElement>(null);
  // In a dialog on a small screen it may be outside of the visible part.
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), []);
  return (
    <div class="problem" role="alert" data-testid={testid} ref={box}>
      <Icon name="alert" />
      <div>{children}</div>
    </div>
  );
}

/** The first step when a list is empty. */
export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <svg viewBox="0 0 120 80" aria-hidden="true">
        <rect x="14" y="6" width="92" height="58" rx="8" />
        <path d="M34 42c12 0 12-18 26-18s14 18 26 18" />
        <path d="M44 74h32" />
      </svg>
      <h2>{title}</h2>
      {children}
    </div>
  );
}
