import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** One problem as ajv (with `verbose`) tells it. */
interface Problem {
  keyword: string;
  instancePath: string;
  message?: string;
  params: Record<string, unknown>;
  parentSchema?: { properties?: Record<string, unknown>; description?: string; enum?: unknown[] };
}

/** The problem in words: which field, what is wrong, what would be right. */
function inWords({ keyword, instancePath, message = 'is not valid', params, parentSchema }: Problem): {
  field: string;
  problem: string;
} {
  const path = instancePath.slice(1).replaceAll('/', '.');
  const at = (name: unknown) => (path === '' ? String(name) : `${path}.${String(name)}`);
  switch (keyword) {
    case 'required':
      return { field: at(params.missingProperty), problem: 'is required' };
    case 'additionalProperties': {
      const known = Object.keys(parentSchema?.properties ?? {});
      return {
        field: at(params.additionalProperty),
        problem: `unknown field; ${known.length === 0 ? 'nothing is taken here' : `known are ${known.join(', ')}`}`,
      };
    }
    case 'enum':
      return {
        field: path,
        problem: `must be one of ${(params.allowedValues as unknown[]).map((each) => JSON.stringify(each)).join(', ')}`,
      };
    case 'pattern':
      return {
        field: path,
        problem: `must be ${parentSchema?.description ?? `text that matches ${String(params.pattern)}`}`,
      };
    default:
      return { field: path, problem: message };
  }
}

function invalid(problems: Problem[], where: string): StreamSpaceError {
  const fields = problems.map(inWords).map(({ field, problem }) => ({ field: field === '' ? where : field, problem }));
  return new StreamSpaceError(
    'invalid_request',
    fields.map(({ field, problem }) => `${field}: ${problem}`).join('; '),
    { fields },
  );
}

/** Fastify's own refusals, in the words and codes of ours. */
const FASTIFY: Readonly<Record<string, () => StreamSpaceError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new StreamSpaceError('message_too_large', 'the body is too large: at most 64 KiB'),
  FST_ERR_CTP_INVALID_JSON_BODY: () =>
    new StreamSpaceError('invalid_request', 'the body is not valid JSON: send a JSON object'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new StreamSpaceError('invalid_request', 'unknown content-type: send application/json'),
};

/** Any error of a request as one of the table; what nobody foresaw is `internal`, and its message stays here. */
export function answerable(error: unknown): StreamSpaceError {
  if (error instanceof StreamSpaceError) return error;
  const { validation, validationContext, code, statusCode } = error as Partial<FastifyError>;
  if (validation)
    return invalid(
      validation as unknown as Problem[],
      validationContext === 'querystring' ? 'query' : (validationContext ?? 'request'),
    );
  const known = code === undefined ? undefined : FASTIFY[code];
  if (known) return known();
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new StreamSpaceError('invalid_request', (error as Error).message);
  const translated = asStreamSpaceError(error);
  return translated.code === 'internal'
    ? new StreamSpaceError(
        'internal',
        'something failed inside the hub: try again; its log has the trace',
        {},
        { cause: error },
      )
    : translated;
}

export function sendError(reply: FastifyReply, error: StreamSpaceError): FastifyReply {
  const { retry_after_ms: wait } = error.details;
  if (typeof wait === 'number') void reply.header('retry-after', String(Math.ceil(wait / 1_000)));
  if (error.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer');
  return reply.code(error.http).type('application/json; charset=utf-8').send({ error: error.toJSON() });
}

/** Every error leaves as `{error: {code, message, retryable, details?}}` [ERR1]. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown, request: FastifyRequest, reply) => {
    const error = answerable(thrown);
    const fields = { code: error.code, reason: error.message };
    if (error.http >= 500 && error.code !== 'no_placement' && error.code !== 'at_capacity')
      request.log.error({ ...fields, err: thrown }, 'request failed');
    else request.log.info(fields, 'request refused');
    return sendError(reply, error);
  });
}
