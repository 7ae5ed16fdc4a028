import type { ErrorAnswer } from '@streamspace/protocol';

/** The failure of a request. `status` is 0 without an answer (`code` is then `unreachable`). */
export class RestError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    status: number,
    retryable: boolean,
    details: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RestError';
    this.code = code;
    this.status = status;
    this.retryable = retryable;
    this.details = details;
  }
}

/** Milliseconds after which an unanswered request is aborted. */
const REQUEST_MS = 20_000;

export interface Http {
  /** JSON in, JSON out; rejects with {@link RestError}, or with the signal's reason when the caller aborted. */
  request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T>;
  /** A response to read as a stream; without a deadline. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
}

export interface HttpOptions {
  /** Absolute base, e.g. `http://localhost:8080/api/v1`. */
  base: string;
  /** null: the browser's cookie is used, if there is one. */
  token: () => string | null;
  /** Called for every 401: the token or the sign-in is not accepted (any more). */
  onUnauthenticated: (error: RestError) => void;
}

export function createHttp({ base, token, onUnauthenticated }: HttpOptions): Http {
  const send = async (
    path: string,
    { headers: given, ...init }: Omit<RequestInit, 'headers'> & { headers: Record<string, string> },
    caller?: AbortSignal,
  ): Promise<Response> => {
    const sent = token();
    let response: Response;
    try {
      // without a token the browser's cookie counts, with the header that only the page can send
      const proof = sent === null ? { 'x-streamspace': 'page' } : { authorization: `Bearer ${sent}` };
      const credentials = sent === null ? 'same-origin' : 'omit';
      response = await fetch(base + path, { ...init, headers: { ...given, ...proof }, cache: 'no-store', credentials });
    } catch (error) {
      if (caller?.aborted) throw error;
      throw new RestError('unreachable', 'The hub does not answer: is it running?', 0, true, {}, { cause: error });
    }
    if (response.ok) return response;
    const failure = await errorOf(response);
    // A late answer to a replaced token tells nothing about the new one.
    if (response.status === 401 && token() === sent) onUnauthenticated(failure);
    throw failure;
  };

  return {
    async request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
      const limit = AbortSignal.timeout(REQUEST_MS);
      const response = await send(
        path,
        {
          method,
          signal: signal ? AbortSignal.any([signal, limit]) : limit,
          headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        },
        signal,
      );
      const text = await response.text();
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    open: (path, headers, signal) => send(path, { headers, signal }, signal),
  };
}

async function errorOf(response: Response): Promise<RestError> {
  const text = await response.text().catch(() => '');
  try {
    const { error } = JSON.parse(text) as ErrorAnswer;
    return new RestError(error.code, error.message, response.status, error.retryable, error.details);
  } catch {
    const words = `The hub answered ${response.status} ${response.statusText}`.trim();
    return new RestError('internal', words, response.status, response.status >= 500);
  }
}
