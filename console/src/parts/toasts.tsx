import { useConsole } from '../state/console.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

export function ToastList() {
  const { toasts } = useConsole();
  return (
    <div class="toasts" role="status" aria-live="polite" aria-relevant="additions" data-testid="toasts">
      {toasts.list.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <Icon name={toast.kind === 'error' ? 'alert' : 'check'} />
          <p>{toast.text}</p>
          <Button icon="close" kind="quiet" label="Dismiss" onClick={() => toasts.dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}
