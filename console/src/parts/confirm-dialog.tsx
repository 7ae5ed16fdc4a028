import type { ComponentChildren } from 'preact';
import { Button, type ButtonProps } from './button.tsx';
import { Dialog } from './dialog.tsx';

interface ConfirmDialogProps {
  title: string;
  /** The consequences, for users who have not read the documentation. */
  children: ComponentChildren;
  confirm: string;
  keep: string;
  icon?: ButtonProps['icon'];
  testid: string;
  onClose: () => void;
  onConfirm: () => void;
}

/** Asks before an irreversible action. The safe answer has the focus. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Dialog title={props.title} onClose={props.onClose} testid={props.testid}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onClose();
          props.onConfirm();
        }}
      >
        {props.children}
        <div class="dialog-actions">
          <Button onClick={props.onClose} autofocus>
            {props.keep}
          </Button>
          <Button kind="primary" submit testid={`${props.testid}-confirm`} {...(props.icon && { icon: props.icon })}>
            {props.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
