import type { IncomingMessage } from 'node:http';
import type { Session } from '@streamspace/protocol';
import { StreamSpaceError } from '@streamspace/protocol';
import type { LinkDeps } from '../agents/ports.ts';
import type { AuditNote } from './journal.ts';

export interface ScreenNotes {
  /** Before anything is shown. Rejects with `store_unavailable`. */
  opens(): Promise<void>;
  closes(): void;
}

/** Takes note of a screen that a user opens. */
export function screenNotes(
  { audit, clients, log }: Pick<LinkDeps, 'audit' | 'clients' | 'log'>,
  request: IncomingMessage,
  { user, session }: { readonly user: string; readonly session: Pick<Session, 'id' | 'user'> },
): ScreenNotes {
  const note = (action: 'screen.open' | 'screen.close'): AuditNote => ({
    actor: user,
    admin: user !== session.user,
    action,
    subject: `session/${session.id}`,
    owner: session.user,
    result: 'ok',
    code: null,
    address: clients.address(request).slice(0, 64),
    trace_id: '',
    details: {},
  });
  return {
    opens: () => audit.record(note('screen.open')),
    closes: () =>
      void audit.record(note('screen.close')).catch((err: unknown) => {
        const code = err instanceof StreamSpaceError ? err.code : 'internal';
        log.error({ err, code, user, session: session.id }, 'the end of a screen is missing in the audit log');
      }),
  };
}
