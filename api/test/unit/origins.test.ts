import { describe, expect, it } from 'vitest';
import { originAllowed } from '../../src/auth/origins.ts';

const open = { publicUrl: undefined, allowedOrigins: ['https://portal.example.com'] };
const named = { publicUrl: 'https://hub.example.com', allowedOrigins: [] };
const under = { publicUrl: 'https://hub.example.com/streamspace', allowedOrigins: [] };

describe('[VIEW3] the origin of a page', () => {
  it.each([
    ['no origin, no browser', open, undefined, 'hub:8080', true],
    ["the hub's own", open, 'http://hub:8080', 'hub:8080', true],
    ["the hub's own, behind TLS", open, 'https://hub.example.com', 'hub.example.com', true],
    ['another port', open, 'http://hub:9090', 'hub:8080', false],
    ['a foreign one', open, 'https://evil.example.com', 'hub:8080', false],
    ['a name that only begins so', open, 'http://hub:80800', 'hub:8080', false],
    ['an allowed one', open, 'https://portal.example.com', 'hub:8080', true],
    ['an allowed one without TLS', open, 'http://portal.example.com', 'hub:8080', false],
    ['`null`, of a sandboxed page or a file', open, 'null', 'hub:8080', false],
    ['one without a host to compare with', open, 'http://hub', undefined, false],
    ['empty', open, '', 'hub:8080', false],
    ['PUBLIC_URL', named, 'https://hub.example.com', 'internal:8080', true],
    ['PUBLIC_URL with a path', under, 'https://hub.example.com', 'internal:8080', true],
    ['another port than PUBLIC_URL, under a path', under, 'https://hub.example.com:8443', 'internal:8080', false],
    ['what Host says, when PUBLIC_URL says otherwise', named, 'http://internal:8080', 'internal:8080', false],
  ])('%s', (_what, config, origin, host, allowed) => {
    const headers = { ...(origin !== undefined && { origin }), ...(host !== undefined && { host }) };
    expect(originAllowed(config, { headers })).toBe(allowed);
  });
});
