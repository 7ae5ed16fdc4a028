import type { SignInProblem } from '@streamspace/protocol';

/** A failed sign-in: for the user, and what an admin does about it. */
export interface ProblemWords {
  readonly title: string;
  readonly user: string;
  readonly admin: string;
}

/** The words of a problem. `callback`: redirect URI of the provider at this hub. A problem of a newer hub has general ones. */
export function wordsOfProblem(problem: string, callback: string): ProblemWords {
  return Object.hasOwn(WORDS, problem) ? WORDS[problem as SignInProblem](callback) : WORDS.answer_invalid(callback);
}

const AGAIN = 'Try again; if it stays, show this to your admin.';
const ADMIN = 'Show this to your admin.';

const WORDS: Readonly<Record<SignInProblem, (callback: string) => ProblemWords>> = {
  provider_unknown: () => ({
    title: 'There is no such way to sign in',
    user: 'Choose one of this page.',
    admin: 'The address names a provider that is not in OIDC_PROVIDERS_FILE: correct the address, or add the provider.',
  }),
  provider_unreachable: () => ({
    title: 'The sign-in service does not answer',
    user: AGAIN,
    admin:
      'From the hub’s machine or pod, open the issuer’s address with /.well-known/openid-configuration at its end: the answer names exactly the issuer of OIDC_PROVIDERS_FILE. Check name resolution, proxies, the network policy (networkPolicy.api.extraEgress for a port other than 443), and the certificate (NODE_EXTRA_CA_CERTS for an authority of your own).',
  }),
  client_refused: () => ({
    title: 'The sign-in service does not know this hub',
    user: ADMIN,
    admin:
      'The provider refused the client: compare client_id in OIDC_PROVIDERS_FILE and the secret in OIDC_CLIENT_SECRETS with the client there. A client with a secret is a confidential one; it may not have expired.',
  }),
  redirect_refused: (callback) => ({
    title: 'The sign-in service does not lead back here',
    user: ADMIN,
    admin: `Register exactly this redirect URI for the client at the provider: ${callback} . If it is not the address of this page, correct PUBLIC_URL.`,
  }),
  provider_refused: () => ({
    title: 'The sign-in service refused',
    user: 'You may have cancelled, or it does not let you use StreamSpace. Try again.',
    admin:
      'The hub’s log has the provider’s reason (“sign-in failed”): a user who is not assigned to the application, a consent that an admin has to give, a scope that the client may not ask for.',
  }),
  state_invalid: () => ({
    title: 'This sign-in is over',
    user: 'It was used already, took longer than ten minutes, or began in another browser. Sign in again.',
    admin:
      'If it happens every time: users have to open the address in PUBLIC_URL, and proxies must pass on cookies and the whole query.',
  }),
  clock_skew: () => ({
    title: 'The clocks differ',
    user: ADMIN,
    admin:
      'The clock of the hub and that of the provider differ by more than 30 s: let both machines get their time by NTP.',
  }),
  keys_unknown: () => ({
    title: 'The answer of the sign-in service can’t be checked',
    user: AGAIN,
    admin:
      'The provider signed with a key that its jwks_uri does not have: after a rotation the new key has to be published, also by every cache in front. The hub fetches the keys anew at each sign-in.',
  }),
  answer_invalid: () => ({
    title: 'The answer of the sign-in service is not valid',
    user: AGAIN,
    admin:
      'The hub’s log has the reason (“sign-in failed”). Compare issuer and client_id in OIDC_PROVIDERS_FILE with the provider.',
  }),
  user_missing: () => ({
    title: 'The sign-in service does not say who you are',
    user: ADMIN,
    admin:
      'The claim in claims.user of OIDC_PROVIDERS_FILE is missing: name one that the provider sends, and the scope for it. An e-mail address counts only if email_verified is true.',
  }),
  no_role: () => ({
    title: 'You have no access to StreamSpace',
    user: 'You are signed in there, but nobody has given you a role here. Ask your admin.',
    admin:
      'No rule of roles in OIDC_PROVIDERS_FILE fits: put the user into one of the groups, or add a rule. If the groups are missing, the provider has to send them (a scope, a mapper).',
  }),
  user_disabled: () => ({
    title: 'An admin has disabled you here',
    user: 'Ask your admin.',
    admin: 'The user is in the list of disabled users (click your name, then “Disabled users”): enable the user there.',
  }),
  hub_unavailable: () => ({
    title: 'The hub can’t keep your sign-in now',
    user: AGAIN,
    admin: 'The hub’s store does not answer: GET /health says what is missing.',
  }),
};
