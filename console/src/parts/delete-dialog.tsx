import { useSignal } from '@preact/signals';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

interface DeleteDialogProps {
  name: string;
  onClose: () => void;
  onDelete: (home: boolean) => void;
}

export function DeleteDialog({ name, onClose, onDelete }: DeleteDialogProps) {
  const home = useSignal(false);
  return (
    <Dialog title={`Delete “${name}”?`} onClose={onClose} testid="delete-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onDelete(home.value);
        }}
      >
        <p>Everything that runs in it is ended, and what was not saved is lost.</p>
        <label class="check block">
          <input
            type="checkbox"
            data-testid="delete-home"
            checked={home.value}
            onChange={(event) => {
              home.value = event.currentTarget.checked;
            }}
          />
          <span>
            Delete the home folder too
            <small>
              {home.value
                ? 'Its files are gone for good, once no other session uses this home.'
                : 'Its files are kept.'}
            </small>
          </span>
        </label>
        <div class="dialog-actions">
          <Button onClick={onClose} autofocus>
            Keep it
          </Button>
          <Button kind="danger" icon="trash" submit testid="confirm-delete">
            {home.value ? 'Delete with its files' : 'Delete'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
