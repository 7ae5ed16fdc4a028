import { type Agent, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { whenTaken } from './attempts.ts';

/** Whether an HTTP server answers with any status below 500. Never rejects; false when the signal aborts. `taken`: see `hedged`. */
export function answers(
  options: { url: URL; agent?: Agent | undefined; ca?: string | undefined },
  signal: AbortSignal,
  taken: () => void,
): Promise<boolean> {
  const { url, agent, ca } = options;
  return new Promise((resolve) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(
      url,
      // a separate connection: a kept-alive one may be the broken one
      { method: 'GET', signal, agent: agent ?? false, ...(ca !== undefined && { ca }) },
      (response) => {
        response.resume();
        response.on('error', () => undefined);
        resolve((response.statusCode ?? 500) < 500);
      },
    );
    request.on('error', () => resolve(false));
    whenTaken(request, taken);
    request.end();
  });
}
