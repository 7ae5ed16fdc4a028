import { useSignal } from '@preact/signals';
import type { Agent } from '@streamspace/protocol';
import { wordsOf } from '../words/sentence.ts';
import { useConsole } from '../state/console.ts';
import { Button } from './button.tsx';

/** Takes an agent out of placement, and back in; for admins. */
export function DrainButton({ agent }: { agent: Agent }) {
  const { account, hub, world, toasts } = useConsole();
  const busy = useSignal(false);
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
    <Button
      busy={busy.value}
      testid="agent-drain"
      kind={agent.draining ? 'primary' : 'plain'}
      onClick={() => void change()}
    >
      {agent.draining ? 'Back online' : 'Drain'}
    </Button>
  );
}
