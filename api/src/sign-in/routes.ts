import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Id, Me, SignIn, SignInOffer, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Type from 'typebox';
import type { HubDeps } from '../deps.ts';
import { Items, route } from '../http/route.ts';
import type { SignInRecord } from '../store/store.ts';
import type { Cookies } from './cookies.ts';
import type { Journeys, NextStop } from './journeys.ts';
import type { Provider } from './providers.ts';
import { ownerOf, type SignIns } from './sign-ins.ts';
import type { SignInWatch } from './watch.ts';

const closed = { additionalProperties: false } as const;
const tag = 'users';
/** Of a sign-in, as the API names it: the begin of its hash. */
const publicId = (hash: string): string => hash.slice(0, 16);

/** Sign-in at the providers, and the user's sign-ins. `people`: undefined without providers. */
export function signInRoutes(
  scope: FastifyInstance,
  deps: HubDeps & {
    providers: readonly Provider[];
    people: { signIns: SignIns; journeys: Journeys; cookies: Cookies } | undefined;
    watch: SignInWatch;
  },
): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, people, providers, watch } = deps;
  const without = (): never => {
    throw new StreamSpaceError(
      'not_found',
      'this hub has no providers to sign in at: set OIDC_PROVIDERS_FILE, or send a token',
    );
  };
  const go = (reply: FastifyReply, { location, cookies }: NextStop) => {
    if (cookies.length > 0) void reply.header('set-cookie', cookies);
    return reply.redirect(location, 302);
  };

  app.get(
    '/sign-in/providers',
    route({ tag, summary: 'Where users sign in', access: 'open', answer: Items(SignInOffer) }),
    async () => ({ items: providers.map(({ id, name }) => ({ id, name })) }),
  );

  app.get(
    '/sign-in/start/:provider',
    route({
      tag,
      summary: 'Go to a provider to sign in',
      description: 'For browsers: redirects to the provider. `return_to` is a path of the page, such as `/agents`.',
      access: 'open',
      status: 302,
      params: Type.Object({ provider: Id }, closed),
      querystring: Type.Object({ return_to: Type.Optional(Type.String({ maxLength: 2_000 })) }, closed),
      answer: Type.Null(),
      errors: ['not_found'],
    }),
    async ({ params, query, raw, log }, reply) =>
      go(reply, await (people ?? without()).journeys.begin(params.provider, query.return_to, raw, log)),
  );

  app.get(
    '/sign-in/callback/:provider',
    route({
      tag,
      summary: 'Come back from a provider',
      audit: 'sign-in',
      description:
        'The redirect URI of the hub’s client at the provider. Redirects to the page, signed in or with a reason.',
      access: 'open',
      status: 302,
      params: Type.Object({ provider: Id }, closed),
      // providers add parameters of their own
      querystring: Type.Object({}, { additionalProperties: true, maxProperties: 50 }),
      answer: Type.Null(),
      errors: ['not_found'],
    }),
    async ({ params, raw, url, log, audited }, reply) => {
      const search = url.includes('?') ? url.slice(url.indexOf('?')) : '';
      const next = await (people ?? without()).journeys.finish(params.provider, search, raw, log);
      audited.actor = next.user;
      audited.failure = next.problem;
      audited.details = { provider: params.provider };
      return go(reply, next);
    },
  );

  app.get(
    '/me',
    route({ tag, summary: 'Whose token or sign-in this is', answer: Me }),
    async ({ user: { id, admin, expires, signIn } }) => ({
      user: id,
      name: signIn?.record.name ?? id,
      roles: admin ? (['admin', 'user'] as const) : (['user'] as const),
      groups: signIn?.record.groups ?? [],
      provider: signIn?.record.provider ?? null,
      expires_at: iso(expires),
    }),
  );

  const shown = (hash: string, record: SignInRecord, current: string | undefined): SignIn => ({
    id: publicId(hash),
    provider: record.provider,
    created_at: iso(record.createdAt),
    seen_at: iso(record.seenAt),
    expires_at: iso(record.expires),
    address: record.address,
    browser: record.browser,
    current: hash === current,
  });

  app.get(
    '/sign-ins',
    route({ tag, summary: 'The browsers in which you are signed in', answer: Items(SignIn) }),
    async ({ user }) => {
      const all = await store.signIns.list(ownerOf(user.id));
      const live = all.filter(({ record }) => record.expires > clock.now());
      live.sort((one, other) => other.record.seenAt - one.record.seenAt);
      return { items: live.map(({ hash, record }) => shown(hash, record, user.signIn?.key.hash)) };
    },
  );

  const Ended = Type.Object(
    {
      provider_sign_out: Type.Union([Type.String({ maxLength: 16_384 }), Type.Null()], {
        description: 'page of the provider that ends the sign-in there, too, for the sign-in of this request; or null',
      }),
    },
    closed,
  );
  const forget = (reply: FastifyReply) =>
    people === undefined
      ? reply
      : reply.header('set-cookie', people.cookies.set(people.cookies.session, undefined, { maxAgeMs: 0 }));

  app.delete(
    '/sign-ins/:id',
    route({
      tag,
      summary: 'Sign out in one browser',
      audit: 'sign-out',
      description: '`current`: the one of this request. Screens and event streams of that sign-in end within 5 s.',
      params: Type.Object({ id: Type.String({ pattern: '^([0-9a-f]{16}|current)$', maxLength: 16 }) }, closed),
      answer: Ended,
      errors: ['not_found'],
    }),
    async ({ params: { id }, user, log, audited }, reply) => {
      audited.owner = user.id;
      const { signIn } = user;
      if (signIn !== undefined && (id === 'current' || id === publicId(signIn.key.hash))) {
        const page = await people!.signIns.end(signIn, log);
        void watch.look();
        return forget(reply).send({ provider_sign_out: page?.href ?? null });
      }
      const owner = ownerOf(user.id);
      const found = (await store.signIns.list(owner)).find(({ hash }) => publicId(hash) === id);
      if (found === undefined)
        throw new StreamSpaceError('not_found', `you have no sign-in ${id}: GET /api/v1/sign-ins lists them`);
      await store.signIns.remove(owner, [found.hash]);
      void watch.look();
      return { provider_sign_out: null };
    },
  );

  app.delete(
    '/sign-ins',
    route({
      tag,
      summary: 'Sign out in all browsers',
      audit: 'sign-out',
      description: 'Also in the one of this request. Screens and event streams of these sign-ins end within 5 s.',
      answer: Ended,
    }),
    async ({ user, log, audited }, reply) => {
      audited.owner = user.id;
      audited.subject = 'sign-in/all';
      const page = user.signIn === undefined ? undefined : await people!.signIns.end(user.signIn, log);
      await store.signIns.remove(ownerOf(user.id));
      void watch.look();
      return forget(reply).send({ provider_sign_out: page?.href ?? null });
    },
  );
}
