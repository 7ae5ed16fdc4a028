import type { FastifyInstance } from 'fastify';
import { StreamSpaceError } from '@streamspace/protocol';

/**
 * Bodies are JSON. An empty one is none, whatever the request says of its type: clients that set `content-type` on all that they send are
 * many, and a DELETE has nothing to say.
 */
export function registerBodies(app: FastifyInstance): void {
  const json = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', async ({ headers }) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = headers;
    // a type that can't be read, of nothing
    if (encoding === undefined && (length === undefined || Number(length) === 0)) delete headers['content-type'];
  });
  // what says nothing of its length is known to be empty only when it has ended
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void json(request, body, done);
  });
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new StreamSpaceError('invalid_request', 'unknown content-type: send application/json'));
  });
}
