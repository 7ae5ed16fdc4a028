import type { SignInProblem } from '@streamspace/protocol';

/** A sign-in that failed: the page has the words for the user and the admin, the log has the message. */
export class SignInFailure extends Error {
  readonly problem: SignInProblem;

  constructor(problem: SignInProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SignInFailure';
    this.problem = problem;
  }
}

interface Known {
  readonly code?: unknown;
  readonly error?: unknown;
  readonly error_description?: unknown;
  readonly status?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/** OAuth's errors for a client that the provider does not know, or whose secret is wrong. */
const CLIENT = ['invalid_client', 'unauthorized_client'];

/** What an error of openid-client means. */
export function failureOf(error: unknown): SignInFailure {
  if (error instanceof SignInFailure) return error;
  const { code, error: oauth, error_description: about, status } = error as Known;
  const said = [messageOf(error), oauth, about].filter((each) => typeof each === 'string' && each !== '').join(': ');
  const failure = (problem: SignInProblem) => new SignInFailure(problem, said, { cause: error });

  if (typeof oauth === 'string') {
    if (CLIENT.includes(oauth)) return failure('client_refused');
    if (oauth === 'invalid_redirect_uri' || /redirect.?uri/i.test(String(about))) return failure('redirect_refused');
    if (['temporarily_unavailable', 'server_error'].includes(oauth)) return failure('provider_unreachable');
    return failure('provider_refused');
  }
  if (status === 401) return failure('client_refused');
  switch (code) {
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return failure('clock_skew');
    case 'OAUTH_KEY_SELECTION_FAILED':
      return failure('keys_unknown');
    case 'OAUTH_TIMEOUT':
    case 'OAUTH_RESPONSE_IS_NOT_CONFORM':
    case 'OAUTH_RESPONSE_IS_NOT_JSON':
    case 'OAUTH_PARSE_ERROR':
    // another issuer answers at this address
    case 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED':
      return failure('provider_unreachable');
    default:
  }
  if (/signature/i.test(said)) return failure('keys_unknown');
  // fetch's error for everything of the network
  if (error instanceof TypeError && code === undefined) return failure('provider_unreachable');
  return failure('answer_invalid');
}

/** With those of its causes, whose texts the provider may have chosen: bounded. */
function messageOf(error: unknown): string {
  const texts: string[] = [];
  for (let at = error as Known | undefined; at !== undefined && at !== null && texts.length < 4; at = at.cause as Known)
    if (typeof at.message === 'string') texts.push(at.message.slice(0, 300));
  return texts.join(': ');
}
