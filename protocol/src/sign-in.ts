import Type, { type Static } from 'typebox';
import { Text } from './bounds.ts';
import { Id, Timestamp, User } from './resources.ts';

const closed = { additionalProperties: false } as const;
const Claim = Text(200, 1);

/** What a user may do: `admin` everything, `user` their own sessions. */
export const ROLES = ['admin', 'user'] as const;
export type Role = (typeof ROLES)[number];

/** Gives a role to everybody whose claim has one of the values; without `claim`, to everybody who can sign in at the provider. */
export const RoleRule = Type.Object(
  {
    role: Type.Enum([...ROLES]),
    claim: Type.Optional(Claim),
    values: Type.Optional(Type.Array(Text(256, 1), { minItems: 1, maxItems: 200 })),
  },
  closed,
);
export type RoleRule = Static<typeof RoleRule>;

/** An OpenID Connect provider where users sign in, as the settings declare it. */
export const SignInProvider = Type.Object(
  {
    id: Id,
    /** On the button of the sign-in page. */
    name: Text(60, 1),
    issuer: Type.String({
      maxLength: 512,
      pattern:
        '^(https://[0-9A-Za-z.-]{1,253}(:[0-9]{1,5})?|http://(localhost|127\\.0\\.0\\.1)(:[0-9]{1,5})?)(/[!"$-~]{0,200})?$',
      description: 'an issuer such as https://login.example.com/realms/main (http:// only on localhost)',
    }),
    client_id: Type.String({ maxLength: 256, pattern: '^[!-~]{1,256}$', description: 'the client id at the provider' }),
    scopes: Type.Optional(
      Type.Array(Type.String({ maxLength: 100, pattern: '^[!#-\\[\\]-~]{1,100}$', description: 'a scope' }), {
        maxItems: 20,
      }),
    ),
    /** Names of claims; `a.b` also means `b` inside of `a`. By default `sub`, `name` and `groups`. */
    claims: Type.Optional(
      Type.Object({ user: Type.Optional(Claim), name: Type.Optional(Claim), groups: Type.Optional(Claim) }, closed),
    ),
    /** Stands before the user's claim in the user's id; by default the provider's id and a colon. */
    user_prefix: Type.Optional(Text(64)),
    roles: Type.Array(RoleRule, { minItems: 1, maxItems: 50 }),
  },
  closed,
);
export type SignInProvider = Static<typeof SignInProvider>;

/** Why a sign-in failed, as the page's address has it. The page has the words: no text of an address is ever shown. */
export const SIGN_IN_PROBLEMS = [
  'provider_unknown',
  'provider_unreachable',
  'client_refused',
  'redirect_refused',
  'provider_refused',
  'state_invalid',
  'clock_skew',
  'keys_unknown',
  'answer_invalid',
  'user_missing',
  'no_role',
  'user_disabled',
  'hub_unavailable',
] as const;
export type SignInProblem = (typeof SIGN_IN_PROBLEMS)[number];

/** A provider as the sign-in page offers it. */
export const SignInOffer = Type.Object({ id: Id, name: Text(60, 1) }, closed);
export type SignInOffer = Static<typeof SignInOffer>;

const Group = Text(256);

/** The user of a request. */
export const Me = Type.Object(
  {
    user: User,
    /** For people; of a token the user. */
    name: Text(256),
    roles: Type.Array(Type.Enum([...ROLES]), { maxItems: 2 }),
    groups: Type.Array(Group, { maxItems: 200 }),
    /** Provider of the sign-in; null: a token. */
    provider: Type.Union([Id, Type.Null()]),
    /** When the sign-in or the token ends; use prolongs a sign-in. */
    expires_at: Timestamp,
  },
  closed,
);
export type Me = Static<typeof Me>;

/** One browser in which a user is signed in. */
export const SignIn = Type.Object(
  {
    id: Type.String({ maxLength: 16, pattern: '^[0-9a-f]{16}$' }),
    provider: Id,
    created_at: Timestamp,
    /** Last use, to the minute. */
    seen_at: Timestamp,
    expires_at: Timestamp,
    /** Address of the client, as far as TRUSTED_PROXIES tell it. */
    address: Text(64),
    /** `User-Agent` of the browser. */
    browser: Text(200),
    /** Whether the request came from it. */
    current: Type.Boolean(),
  },
  closed,
);
export type SignIn = Static<typeof SignIn>;

/** A user whom an admin has disabled. */
export const DisabledUserView = Type.Object({ user: User, disabled_at: Timestamp, disabled_by: User }, closed);
export type DisabledUserView = Static<typeof DisabledUserView>;
