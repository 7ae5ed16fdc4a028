import type { AuditAction, Session } from '@streamspace/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clients } from '../http/client-address.ts';
import { isForUsers } from '../http/route.ts';
import { shortened } from '../http/shortened.ts';
import type { AuditJournal, AuditNote } from './journal.ts';

/** What the handler of an audited route adds to its entry. */
export interface Audited {
  actor?: string | undefined;
  subject?: string | undefined;
  owner?: string | undefined;
  /** Of the handler's choice; never a secret. */
  details?: Readonly<Record<string, string>>;
  /** The code of a failure that the answer does not show as one. */
  failure?: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Only behind routes with `audit`. */
    audited: Audited;
  }
  interface FastifyContextConfig {
    audit?: AuditAction | undefined;
  }
}

/** Answers without an entry: nothing was decided about a caller, so that strangers and faulty programs can't fill the log. */
const NOT_AUDITED = new Set([400, 401, 413, 415, 429]);
const MAX_DETAIL = 256;

/** Writes an entry for every answer of a route with `audit`, before the answer leaves. */
export function registerAudit(
  app: FastifyInstance,
  { journal, clients }: { journal: AuditJournal; clients: Clients },
): void {
  app.decorateRequest<Audited | null>('audited', null);
  app.addHook('onRequest', async (request) => {
    request.audited = {};
  });
  const told = new WeakSet<FastifyRequest>();
  app.addHook('onSend', async (request, reply, payload) => {
    const { audit, access } = request.routeOptions.config;
    const { user, audited } = request as { user: unknown; audited: Audited | null };
    // refused before it was known who asks
    if (audited === null || (isForUsers(access) && user === null)) return payload;
    if (audit === undefined || NOT_AUDITED.has(reply.statusCode) || told.has(request)) return payload;
    told.add(request);
    const note = noteOf(audit, request, reply, payload, clients.address(request.raw));
    // the log is in the same store
    if (note.code === 'store_unavailable') return payload;
    try {
      await journal.record(note);
    } catch (error) {
      // what was done is not answered without its entry; what was refused needs no other answer
      if (note.code === null) throw error;
      request.log.error({ err: error, audit }, 'a refusal is missing in the audit log');
    }
    return payload;
  });
}

function noteOf(
  action: AuditAction,
  request: FastifyRequest,
  { statusCode }: FastifyReply,
  payload: unknown,
  address: string,
): AuditNote {
  const { audited, user, traceId, params } = request;
  const answer = answerOf(payload);
  const session = answer.session ?? (typeof answer.user === 'string' ? (answer as Session) : undefined);
  const id = (params as { id?: string } | undefined)?.id ?? session?.id ?? answer.agent_id;
  const kind = action.startsWith('agent.') ? 'agent' : action === 'sign-out' ? 'sign-in' : 'session';
  const actor = audited.actor ?? (user as typeof user | null)?.id ?? null;
  const owner = audited.owner ?? session?.user ?? null;
  const code = audited.failure ?? (statusCode < 400 ? undefined : (answer.error?.code ?? 'internal'));
  return {
    actor,
    admin: (user as typeof user | null)?.admin === true && owner !== actor,
    action,
    subject: audited.subject ?? (id === undefined ? null : `${kind}/${shortened(id, 300)}`),
    owner,
    result: code === undefined ? 'ok' : statusCode >= 500 ? 'failed' : 'refused',
    code: code ?? null,
    address: address.slice(0, 64),
    trace_id: traceId,
    details: Object.fromEntries(
      Object.entries(audited.details ?? {}).map(([name, value]) => [name, shortened(value, MAX_DETAIL)]),
    ),
  };
}

interface Answer {
  readonly session?: Session;
  readonly id?: string;
  readonly user?: string;
  readonly agent_id?: string;
  readonly error?: { readonly code?: string };
}

function answerOf(payload: unknown): Answer {
  if (typeof payload !== 'string' || !payload.startsWith('{')) return {};
  return JSON.parse(payload) as Answer;
}
