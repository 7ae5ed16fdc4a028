import { type AuditAction, ERRORS, type ErrorCode } from '@streamspace/protocol';
import type { FastifySchema } from 'fastify';
import Type, { type TSchema } from 'typebox';
import type { AuthenticatedUser } from '../auth/users.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Only behind routes with `access` `user` or `admin` (the default). */
    user: AuthenticatedUser;
    /** W3C trace id of the request: 32 hex digits. */
    traceId: string;
  }
  interface FastifyContextConfig {
    /** Who may call the route. Without it: `user`, so that a forgotten one is not open to all. */
    access?: RouteAccess;
  }
}

/** `enrolment`: an enrolment token as bearer; `open`: anybody. */
export type RouteAccess = 'open' | 'enrolment' | 'user' | 'admin';

/** Whether a route has a user: what says nothing of its access has. */
export const isForUsers = (access: RouteAccess | undefined): boolean => access !== 'open' && access !== 'enrolment';

export const Shared = (
  name: 'Agent' | 'Session' | 'Command' | 'Template' | 'Ticket' | 'Accepted' | 'Event' | 'ErrorAnswer' | 'Quota',
) => Type.Unsafe<unknown>({ $ref: `${name}#` });
/** A list, as `listing` makes it. */
export const Items = (items: TSchema) =>
  Type.Object(
    {
      items: Type.Array(items, { maxItems: 1_000_000 }),
      left_off: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 1_000_000,
          description: 'number of omitted items, to keep the answer within 8 MiB: ask for fewer at a time',
        }),
      ),
    },
    { additionalProperties: false },
  );

interface About {
  tag: 'users' | 'sessions' | 'agents' | 'commands' | 'templates' | 'events' | 'audit' | 'operations';
  summary: string;
  description?: string;
  access?: RouteAccess;
  /** Every answer makes an entry of the audit log. */
  audit?: AuditAction;
  status?: number;
  answer: TSchema;
  answerType?: string;
  /** What this route may answer besides what every one may. */
  errors?: readonly ErrorCode[];
  body?: TSchema;
  querystring?: TSchema;
  params?: TSchema;
  headers?: TSchema;
}

const EVERY: readonly ErrorCode[] = [
  'invalid_request',
  'origin_refused',
  'rate_limited',
  'store_unavailable',
  'internal',
];

/** A route's options: its schema, checked and documented, with every error it may answer. */
export function route<const A extends About>(about: A) {
  const access = about.access ?? 'user';
  const errors: ErrorCode[] = [
    ...EVERY,
    ...(access === 'open' ? [] : (['unauthenticated', 'forbidden'] as const)),
    ...(about.body ? (['message_too_large'] as const) : []),
    ...(about.errors ?? []),
  ];
  const statuses = [...new Set(errors.map((code) => ERRORS[code].http))];
  const answers = statuses.map((status) => {
    const codes = new Set(errors.filter((code) => ERRORS[code].http === status));
    return [
      status,
      { description: [...codes].map((code) => `\`${code}\``).join(', '), ...Shared('ErrorAnswer') },
    ] as const;
  });
  const { tag, summary, description, status = 200, answer, answerType, body, querystring, params, headers } = about;
  const ok = {
    description: 'Success',
    ...(answerType === undefined ? answer : { content: { [answerType]: { schema: answer } } }),
  };
  const schema = {
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(access === 'open' ? { security: [] } : { security: [{ [access === 'enrolment' ? 'enrolment' : 'user']: [] }] }),
    response: { [status]: ok, ...Object.fromEntries(answers) },
    ...(body && { body }),
    ...(querystring && { querystring }),
    ...(params && { params }),
    ...(headers && { headers }),
  };
  return {
    schema: schema as FastifySchema & Pick<A, 'body' | 'querystring' | 'params' | 'headers'>,
    config: { access, audit: about.audit },
  };
}
