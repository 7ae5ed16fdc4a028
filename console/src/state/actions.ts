import type { Session } from '@streamspace/protocol';
import { useSignal } from '@preact/signals';
import { RestError } from '../api/http.ts';
import { wordsOf } from '../words/sentence.ts';
import { useConsole } from './console.ts';

/** A user's actions on one session. `busy` names the action in progress. */
export function useSessionActions(session: Session) {
  const { hub, world, toasts } = useConsole();
  const busy = useSignal<string | null>(null);
  /** Whether the action succeeded. */
  const act = async (name: string, work: () => Promise<void>): Promise<boolean> => {
    if (busy.value !== null) return false;
    busy.value = name;
    try {
      await work();
      return true;
    } catch (error) {
      // Signed out meanwhile: the sign-in page shows the reason.
      if (!(error instanceof RestError && error.status === 401)) toasts.error(`${session.name}: ${wordsOf(error)}`);
      return false;
    } finally {
      busy.value = null;
    }
  };
  return {
    busy,
    hibernate: () => act('hibernate', async () => world.accept(await hub.hibernate(session.id))),
    wake: () => act('wake', async () => world.accept(await hub.wake(session.id))),
    rename: (name: string) => act('rename', async () => world.setSession(await hub.rename(session.id, name))),
    stayAwake: () => act('stay-awake', async () => world.setSession(await hub.stayAwake(session.id))),
    remove: (deleteHome: boolean) => act('delete', async () => world.accept(await hub.remove(session.id, deleteHome))),
  };
}
