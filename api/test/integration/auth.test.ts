import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Claims, Rest, SECRET } from '../support/rest.ts';

let hub: Rest;
beforeEach(async () => {
  hub = await Rest.start();
});
afterEach(() => hub.stop());

const withToken = (authorization: string | undefined, url = 'sessions') =>
  hub.as(undefined, 'GET', url, undefined, authorization === undefined ? {} : { authorization });
const withClaims = async (claims: Claims, secret?: string, alg?: string) =>
  withToken(`Bearer ${await hub.sign(claims, secret, alg)}`);

describe('[AUTH1] users by JWT', () => {
  it('takes a token of ours', async () => {
    expect((await withClaims({})).status).toBe(200);
    expect((await withClaims({ roles: 'admin' })).status).toBe(200);
  });

  const now = Date.UTC(2030, 0, 1) / 1_000;
  it.each<[string, Claims, string]>([
    ['without sub', { sub: undefined }, 'sub'],
    ['with an empty sub', { sub: '' }, 'sub'],
    // S10: as UTF-8 it is the same as every other half
    ['with a sub of half a surrogate pair', { sub: 'ada\ud800' }, 'well-formed'],
    ['with a sub of 257 characters', { sub: 'x'.repeat(257) }, 'sub'],
    ['without exp', { exp: undefined }, 'exp'],
    ['that has expired', { exp: now - 60 }, 'expired'],
    ['that is not valid yet', { nbf: now + 60 }, 'nbf'],
  ])('refuses a token %s', async (_what, claims, named) => {
    const answer = await withClaims(claims);
    expect(answer).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(answer.message).toContain(named);
    expect(answer.message).toContain('Authorization: Bearer');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it.each<[string, string | undefined]>([
    ['no header', undefined],
    ['an empty one', ''],
    ['another scheme', 'Basic YWxpY2U6c2VjcmV0'],
    ['what is no JWT', 'Bearer abc'],
    ['what only looks like one', 'Bearer a.b.c'],
    ['a credential of an agent', `Bearer ssa_a1.${'x'.repeat(43)}`],
  ])('refuses %s', async (_what, header) => {
    expect(await withToken(header)).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  it('refuses a token of another secret, or without a signature', async () => {
    expect(await withClaims({}, 'another secret, which is long enough too')).toMatchObject({
      status: 401,
      message: expect.stringContaining('not signed by'),
    });
    const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');
    expect(
      await withToken(`Bearer ${part({ alg: 'none' })}.${part({ sub: 'alice', roles: ['admin'], exp: now + 60 })}.`),
    ).toMatchObject({ status: 401 });
  });

  it.each([[undefined], [[]], ['root'], [['Admin']], [{ admin: true }]])(
    'refuses roles %j: forbidden',
    async (roles) => {
      expect(await withClaims({ roles })).toMatchObject({
        status: 403,
        code: 'forbidden',
        message: expect.stringContaining('`user` or `admin`'),
      });
    },
  );

  it('refuses another algorithm, even with the right secret', async () => {
    await hub.stop();
    const secret = SECRET.repeat(2);
    hub = await Rest.start({ JWT_SECRET: secret });
    expect((await withClaims({}, secret)).status).toBe(200);
    expect(await withClaims({}, secret, 'HS512')).toMatchObject({
      status: 401,
      message: expect.stringContaining('algorithm'),
    });
  });

  it('checks issuer and audience where configured', async () => {
    await hub.stop();
    hub = await Rest.start({ JWT_ISSUER: 'https://i.example.com', JWT_AUDIENCE: 'streamspace' });
    const right = { iss: 'https://i.example.com', aud: 'streamspace' };
    expect((await withClaims(right)).status).toBe(200);
    expect(await withClaims({ ...right, iss: 'https://evil.example.com' })).toMatchObject({
      status: 401,
      message: expect.stringContaining('`iss`'),
    });
    expect(await withClaims({ ...right, aud: undefined })).toMatchObject({
      status: 401,
      message: expect.stringContaining('`aud`'),
    });
  });

  it('every route but the open ones wants a token', async () => {
    const spec = (await hub.as(undefined, 'GET', 'openapi.json')).body;
    for (const [path, operations] of Object.entries<Record<string, { security: object[] }>>(spec.paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        const { status } = await hub.as(
          undefined,
          method.toUpperCase() as 'GET',
          path.replaceAll(/\{\w+\}/g, 'x'),
          method === 'get' ? undefined : {},
        );
        if (security.length === 0)
          expect(path).toMatch(
            /\/(health|ready|metrics|agent\/connect|vnc|sign-in\/providers|sign-in\/(start|callback)\/\{provider\})$/,
          );
        else if (!path.endsWith('/enrol')) expect(status, `${method} ${path}`).toBe(401);
      }
    }
  });
});

const ISSUER = { JWT_ISSUER: 'https://i.example.com', JWT_AUDIENCE: 'streamspace', HUB_PEER_SECRET: 'p'.repeat(32) };
const ISSUED = { iss: 'https://i.example.com', aud: 'streamspace', sub: 'alice', roles: ['user'] };

describe('[AUTH1] users by JWKS', () => {
  it('takes tokens signed by a key of the set, and answers when the set cannot be read', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const other = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    const issuer = createServer((_request, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] })),
    );
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`;
    try {
      await hub.stop();
      hub = await Rest.start({ JWT_SECRET: undefined, JWT_JWKS_URL: address, ...ISSUER });
      const sign = (key: Parameters<SignJWT['sign']>[0], kid: string) =>
        new SignJWT({ ...ISSUED, exp: hub.clock.now() / 1_000 + 60 })
          .setProtectedHeader({ alg: 'ES256', kid })
          .sign(key);
      expect((await withToken(`Bearer ${await sign(privateKey, 'k1')}`)).status).toBe(200);
      expect(await withToken(`Bearer ${await sign(other.privateKey, 'k1')}`)).toMatchObject({ status: 401 });
      expect(await withToken(`Bearer ${await sign(other.privateKey, 'k2')}`)).toMatchObject({ status: 401 });
      // the classic: the public key as an HMAC secret
      expect(await withClaims({}, JSON.stringify(jwk))).toMatchObject({ status: 401 });
    } finally {
      await new Promise((resolve) => issuer.close(resolve));
    }
    await hub.stop();
    hub = await Rest.start({ JWT_SECRET: undefined, JWT_JWKS_URL: address, ...ISSUER });
    const token = await new SignJWT({ ...ISSUED, exp: hub.clock.now() / 1_000 + 60 })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(privateKey);
    expect(await withToken(`Bearer ${token}`)).toMatchObject({
      status: 500,
      code: 'internal',
      message: expect.stringContaining('JWT_JWKS_URL'),
    });
  });
});

describe('roles', () => {
  it.each([
    ['PATCH', 'agents/a1', { status: 'offline' }],
    ['POST', 'agents/enrolments', {}],
    ['POST', 'agents/a1/rotate', undefined],
    ['POST', 'agents/a1/list', undefined],
    ['DELETE', 'agents/a1/credential', undefined],
  ] as const)('%s %s is for admins', async (method, url, body) => {
    await hub.agent('a1');
    await hub.store.credentials.set('a1', 'hash');
    expect(await hub.as('alice', method, url, body)).toMatchObject({
      status: 403,
      code: 'forbidden',
      message: expect.stringContaining('admin'),
    });
    expect((await hub.as('admin', method, url, body)).status).toBeLessThan(300);
  });
});

describe('failure 13: where a request comes from, and whom it claims to be from', () => {
  it('refuses pages of other origins, before anything else', async () => {
    for (const origin of ['https://evil.example.com', 'null']) {
      expect(await hub.as('alice', 'GET', 'sessions', undefined, { origin, host: 'hub:8080' })).toMatchObject({
        status: 403,
        code: 'origin_refused',
        message: expect.stringContaining('ALLOWED_ORIGINS'),
      });
      expect((await hub.as(undefined, 'GET', '/health', undefined, { origin, host: 'hub:8080' })).status).toBe(403);
    }
    const own = await hub.as('alice', 'GET', 'sessions', undefined, { origin: 'http://hub:8080', host: 'hub:8080' });
    expect(own.status).toBe(200);
    expect(own.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('lets allowed origins in, preflight included', async () => {
    await hub.stop();
    hub = await Rest.start({ ALLOWED_ORIGINS: 'https://portal.example.com' });
    const origin = 'https://portal.example.com';
    const answer = await hub.as('alice', 'GET', 'sessions', undefined, { origin });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    const preflight = await hub.as(undefined, 'OPTIONS', 'sessions', undefined, {
      origin,
      'access-control-request-method': 'POST',
    });
    expect(preflight).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-headers': expect.stringContaining('authorization') },
    });
    const foreign = await hub.as(undefined, 'OPTIONS', 'sessions', undefined, {
      origin: 'https://evil.example.com',
      'access-control-request-method': 'POST',
    });
    expect(foreign.status).toBe(403);
  });

  it("takes the user from the token: a body's `user` is refused", async () => {
    await hub.agent('a1');
    const answer = await hub.as('alice', 'POST', 'sessions', { template: 'desktop', user: 'bob' });
    expect(answer).toMatchObject({
      status: 400,
      code: 'invalid_request',
      message: expect.stringContaining('user: unknown field'),
    });
    expect((await hub.as('alice', 'POST', 'sessions', { template: 'desktop' })).body.session.user).toBe('alice');
  });
});
