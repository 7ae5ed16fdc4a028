import { useSignal } from '@preact/signals';
import type { Agent } from '@streamspace/protocol';
import { wordsOf } from '../words/sentence.ts';
import { useConsole } from '../state/console.ts';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';

/** Takes an agent out of placement, and back in; for admins. */
export function DrainButton({ agent }: { agent: Agent }) {
  const { account, hub, world, toasts } = useConsole();
  const busy = useSignal(false);
  const asking = useSignal(false);
  if (!account.admin.value) return null;
  const change = async () => {
    busy.value = true;
    try {
      world.setAgent(await hub.setDraining(agent.id, !agent.draining));
      toasts.info(
        agent.draining
          ? `${agent.id} takes new sessions again`
          : `${agent.id} takes no new sessions; what runs there goes on`,
      );
    } catch (error) {
      toasts.error(`${agent.id}: ${wordsOf(error)}`);
    } finally {
      busy.value = false;
    }
  };
  return (
    <>
      <Button
        busy={busy.value}
        testid="agent-drain"
        kind={agent.draining ? 'primary' : 'plain'}
        onClick={() => (agent.draining ? void change() : void (asking.value = true))}
      >
        {agent.draining ? 'Back online' : 'Drain'}
      </Button>
      {asking.value && (
        <ConfirmDialog
          title={`Drain ${agent.id}?`}
          confirm="Drain"
          keep="Leave it online"
          testid="drain-dialog"
          onClose={() => {
            asking.value = false;
          }}
          onConfirm={() => void change()}
        >
          <p>
            It takes no new sessions, for anybody, until an admin puts it back online. What runs there goes on, and can
            be woken and deleted.
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}
