import type { FastifyInstance } from 'fastify';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/** The trace id of a W3C `traceparent`; undefined when there is none that counts. */
export function traceIdOf(traceparent: unknown): string | undefined {
  const [, id] =
    typeof traceparent === 'string' && !traceparent.startsWith('ff') ? (TRACEPARENT.exec(traceparent) ?? []) : [];
  return id === undefined || /^0+$/.test(id) ? undefined : id;
}

/** Every request has a trace id, the caller's or a new one; commands carry it on to the agent. */
export function registerTrace(app: FastifyInstance, randomBytes: (size: number) => Buffer): void {
  app.decorateRequest('traceId', '');
  app.addHook('onRequest', async (request, reply) => {
    request.traceId = traceIdOf(request.headers.traceparent) ?? randomBytes(16).toString('hex');
    request.log = request.log.child({ trace_id: request.traceId });
    void reply.headers({ 'x-request-id': request.id, 'x-trace-id': request.traceId });
  });
}
