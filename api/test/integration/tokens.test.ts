import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { type Claims, Rest } from '../support/rest.ts';

let hub: Rest;
let issuer: Server | undefined;
afterEach(async () => {
  await hub.stop();
  await new Promise((resolve) => (issuer === undefined ? resolve(undefined) : issuer.close(resolve)));
  issuer = undefined;
});

const SECRET = 'p'.repeat(40);
const FORMER = 'f'.repeat(40);
const ISSUED = { iss: 'https://i.example.com', aud: 'streamspace', sub: 'alice', roles: ['user'] };
const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');
const ask = (token: string) => hub.as(undefined, 'GET', 'sessions', undefined, { authorization: `Bearer ${token}` });
const soon = () => Math.floor(hub.clock.now() / 1_000) + 60;

/** A hub whose issuer has these keys. */
async function withKeys(keys: object[], env: Record<string, string> = {}): Promise<void> {
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys })),
  );
  issuer = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hub = await Rest.start({
    JWT_SECRET: undefined,
    JWT_JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    JWT_ISSUER: ISSUED.iss,
    JWT_AUDIENCE: ISSUED.aud,
    HUB_PEER_SECRET: 'p'.repeat(32),
    ...env,
  });
}

describe('S9 whatever a token can bring about is answered 401 with the reason', () => {
  it.each<[string, object, string]>([
    ['crit that nobody knows', { alg: 'HS256', crit: ['x'], x: 1 }, 'extensions'],
    ['crit that is no list', { alg: 'HS256', crit: 'x' }, 'no JWT'],
    ['crit of what is not there', { alg: 'HS256', crit: ['exp'] }, 'extensions'],
    ['b64', { alg: 'HS256', crit: ['b64'], b64: false }, 'the token is'],
    ['an unknown algorithm', { alg: 'XX1' }, 'algorithm'],
    ['no algorithm', {}, 'no JWT'],
    ['a mistyped algorithm', { alg: ['HS256'] }, 'no JWT'],
  ])('a header with %s', async (_what, header, reason) => {
    hub = await Rest.start({ JWT_SECRET: SECRET });
    const unsigned = `${part(header)}.${part({ sub: 'alice', roles: ['admin'], exp: soon() })}`;
    const signature = createHmac('sha256', SECRET).update(unsigned).digest('base64url');
    for (const token of [`${unsigned}.`, `${unsigned}.${signature}`])
      expect(await ask(token)).toMatchObject({
        status: 401,
        code: 'unauthenticated',
        message: expect.stringContaining(reason),
      });
  });

  it('a token without `kid` is tried with each key of the set', async () => {
    const [first, second, foreign] = await Promise.all([1, 2, 3].map(() => generateKeyPair('ES256')));
    const jwks = await Promise.all([first!, second!].map(({ publicKey }) => exportJWK(publicKey)));
    await withKeys(jwks.map((jwk, index) => ({ ...jwk, kid: `k${index}` })));
    const sign = (key: CryptoKey, claims: Claims = {}) =>
      new SignJWT({ ...ISSUED, exp: soon(), ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(key);
    expect((await ask(await sign(first!.privateKey))).status).toBe(200);
    expect((await ask(await sign(second!.privateKey))).status).toBe(200);
    expect(await ask(await sign(foreign!.privateKey))).toMatchObject({
      status: 401,
      message: expect.stringContaining('not signed by a key of the issuer'),
    });
    expect(await ask(await sign(second!.privateKey, { exp: soon() - 120 }))).toMatchObject({
      status: 401,
      message: expect.stringContaining('expired'),
    });
    for (const header of [{ alg: 'ES256', crit: ['x'], x: 1 }, { alg: 'ES256', kid: 7 }, { alg: 'RS256' }])
      expect((await ask(`${part(header)}.${part({ ...ISSUED, exp: soon() })}.AAAA`)).status, header.alg).toBe(401);
  });

  it('a token for another application of the same issuer is refused', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    await withKeys([await exportJWK(publicKey)]);
    const sign = (claims: Claims) =>
      new SignJWT({ ...ISSUED, exp: soon(), ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    expect((await ask(await sign({}))).status).toBe(200);
    expect(await ask(await sign({ aud: 'mail' }))).toMatchObject({
      status: 401,
      message: expect.stringContaining('`aud`'),
    });
    expect(await ask(await sign({ iss: 'https://evil.example.com' }))).toMatchObject({
      status: 401,
      message: expect.stringContaining('`iss`'),
    });
  });
});

describe('S9 JWT_SECRET can be rotated', () => {
  it('tokens of the present and of the former secret are taken, others not', async () => {
    hub = await Rest.start({ JWT_SECRET: `${SECRET},${FORMER}` });
    expect((await ask(await hub.sign({}, SECRET))).status).toBe(200);
    expect((await ask(await hub.sign({}, FORMER))).status).toBe(200);
    expect((await ask(await hub.sign({}, 'a third secret, which is long enough too'))).status).toBe(401);
    expect(await ask(await hub.sign({ exp: soon() - 120 }, FORMER))).toMatchObject({
      status: 401,
      message: expect.stringContaining('expired'),
    });
  });
});

describe('S9 JWT_MAX_AGE', () => {
  it('ends tokens that live too long, whatever their `exp` says, and wants an `iat`', async () => {
    hub = await Rest.start({ JWT_MAX_AGE: '10m' });
    const token = await hub.sign({ exp: soon() + 30 * 86_400 });
    expect((await ask(token)).status).toBe(200);
    await hub.clock.advance(10 * 60_000 + 6_000);
    expect(await ask(token)).toMatchObject({ status: 401, message: expect.stringContaining('JWT_MAX_AGE') });
    expect(await ask(await hub.sign({ iat: undefined }))).toMatchObject({
      status: 401,
      message: expect.stringContaining('`iat`'),
    });
  });
});
