import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HubConfig } from '../config.ts';
import { basePathOf, pageBase } from './base-path.ts';
import { sendError } from './errors.ts';
import { shortened } from './shortened.ts';

/** The built page, its routes of the page's own (`/sessions/…`) included, and the answer to what isn't there. */
export async function registerConsole(
  app: FastifyInstance,
  { consoleDir: dir, publicUrl }: Pick<HubConfig, 'consoleDir' | 'publicUrl'>,
): Promise<void> {
  const built = dir !== undefined && existsSync(join(dir, 'index.html'));
  const basePath = basePathOf(publicUrl);
  const address = publicUrl === undefined ? 'It is not set.' : `It is ${publicUrl}.`;
  const page = async ({ url }: FastifyRequest, reply: FastifyReply) => {
    const html = await readFile(join(dir!, 'index.html'), 'utf8');
    const base = `<base href="${pageBase(basePath, url.split('?')[0]!)}" />`;
    void reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache');
    return reply.send(html.replace('<head>', () => `<head>${base}`).replace('<!-- PUBLIC_URL -->', () => address));
  };
  if (built) {
    await app.register(fastifyStatic, {
      root: resolve(dir),
      wildcard: true,
      index: false,
      cacheControl: false,
      // names of built assets carry a hash of what is in them; the page itself names them
      setHeaders: (response, path) =>
        void response.setHeader(
          'cache-control',
          path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        ),
    });
    for (const url of ['/', '/index.html']) app.get(url, { schema: { hide: true } }, page);
  }
  const nothing = (request: FastifyRequest, reply: FastifyReply) => {
    const isApi = /^\/(api|docs)(\/|\?|$)/.test(request.url);
    const isPage = request.method === 'GET' && !isApi && (request.headers.accept ?? '').includes('text/html');
    if (isPage && built) return page(request, reply);
    const remedy = isPage
      ? 'the console is not built: run `npm run build`, or set CONSOLE_DIR'
      : 'see /docs for the existing paths';
    return sendError(
      reply,
      new StreamSpaceError(
        'not_found',
        `nothing at ${request.method} ${shortened(request.url.split('?')[0]!)}: ${remedy}`,
      ),
    );
  };
  app.setNotFoundHandler({ preHandler: [] }, nothing);
  // what comes with a request for nothing is not read
  app.addHook('onRequest', async (request, reply) => (request.is404 ? nothing(request, reply) : undefined));
}
