import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { shortened } from './shortened.ts';

/** Problems that an answer and the log name; how many more there are is said. */
const MAX_PROBLEMS = 20;
/** Characters of a message. */
const MAX_MESSAGE = 4_096;

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
  const at = (name: unknown) => shortened(path === '' ? String(name) : `${path}.${String(name)}`, 100);
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
  const fields = problems
    .slice(0, MAX_PROBLEMS)
    .map(inWords)
    .map(({ field, problem }) => ({ field: field === '' ? where : field, problem: shortened(problem, 300) }));
  const more = problems.length - fields.length;
  const named = fields.map(({ field, problem }) => `${field}: ${problem}`).join('; ');
  return new StreamSpaceError('invalid_request', more === 0 ? named : `${named}; and ${more} more problems`, {
    fields,
    ...(more > 0 && { more }),
  });
}

/** Fastify's own refusals, in the words and codes of ours. */
const FASTIFY: Readonly<Record<string, () => StreamSpaceError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new StreamSpaceError('message_too_large', 'the body is too large: at most 64 KiB'),
  FST_ERR_CTP_INVALID_JSON_BODY: () =>
    new StreamSpaceError('invalid_request', 'the body is not valid JSON: send a JSON object'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new StreamSpaceError('invalid_request', 'unknown content-type: send application/json'),
};

/** Any error of a request as one of the table, with a message of bounded length; what nobody foresaw is `internal`, and its message stays here. */
function answerable(error: unknown): StreamSpaceError {
  const known = translated(error);
  if (known.message.length <= MAX_MESSAGE) return known;
  return new StreamSpaceError(known.code, shortened(known.message, MAX_MESSAGE), known.details, { cause: known });
}

function translated(error: unknown): StreamSpaceError {
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
  const foreign = asStreamSpaceError(error);
  return foreign.code === 'internal'
    ? new StreamSpaceError(
        'internal',
        'something failed inside the hub: try again; its log has the trace',
        {},
        { cause: error },
      )
    : foreign;
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
