import { ERRORS, type ErrorCode } from '@streamspace/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rest } from '../support/rest.ts';

interface Operation {
  summary?: string;
  tags?: string[];
  security?: object[];
  responses: Record<string, { description: string; content?: Record<string, { schema: { $ref?: string } }> }>;
}

let hub: Rest;
let spec: { openapi: string; paths: Record<string, Record<string, Operation>>; components: { schemas: object } };
const operations = () =>
  Object.entries(spec.paths).flatMap(([path, each]) =>
    Object.entries(each).map(([method, operation]) => ({ method, path, operation })),
  );

beforeAll(async () => {
  hub = await Rest.start();
  spec = (await hub.as(undefined, 'GET', 'openapi.json')).body;
});
afterAll(() => hub.stop());

/** Every route of the API, as the hub itself has it, with `{…}` for parameters. */
function routes(): string[] {
  const found: string[] = [];
  const path: string[] = [];
  for (const line of hub.app.printRoutes({ commonPrefix: false, includeHooks: false }).split('\n')) {
    const [, indent, segment, methods] = /^([│├└─\s]*)(\S*) \(([A-Z, ]+)\)/.exec(line) ?? [];
    const depth = (indent ?? /^[│├└─\s]*/.exec(line)![0]).length / 4;
    path.length = Math.max(0, depth - 1);
    path.push(segment ?? line.replace(/^[│├└─\s]*/, ''));
    if (methods === undefined) continue;
    for (const method of methods.split(', '))
      if (method !== 'HEAD' && method !== 'OPTIONS')
        found.push(`${method.toLowerCase()} ${path.join('')}`.replaceAll(/:(\w+)/g, '{$1}'));
  }
  return found.filter((each) => !/ \/(docs.*|\*|)$/.test(each));
}

describe('OpenAPI', () => {
  it('lists every route, and no other', () => {
    const listed = operations().map(({ method, path }) => `${method} ${path}`);
    expect(listed.toSorted()).toEqual(
      routes()
        .filter((each) => each !== 'get /api/v1/openapi.json')
        .toSorted(),
    );
    for (const each of [
      'post /api/v1/sessions',
      'get /api/v1/events',
      'post /api/v1/agents/{id}/rotate',
      'get /health',
    ])
      expect(listed).toContain(each);
    expect(listed.length).toBeGreaterThan(20);
  });

  it('says of every route what it is for, who may call it, and what it answers', () => {
    for (const { method, path, operation } of operations()) {
      const at = `${method} ${path}`;
      expect(operation.summary, at).toBeTruthy();
      expect(operation.tags, at).toHaveLength(1);
      expect(operation.security, at).toBeDefined();
      expect(
        Object.keys(operation.responses).filter((status) => /^(101|2..|302)$/.test(status)),
        at,
      ).toHaveLength(1);
    }
  });

  it('documents errors by the table: each code under its own status, as an ErrorAnswer', () => {
    for (const { method, path, operation } of operations()) {
      const at = `${method} ${path}`;
      const codes = Object.entries(operation.responses).flatMap(([status, { description, content }]) => {
        if (/^(101|2..|302)$/.test(status)) return [];
        expect(content?.['application/json']?.schema.$ref, at).toBe('#/components/schemas/ErrorAnswer');
        return [...description.matchAll(/`(\w+)`/g)].map(([, code]) => ({
          code: code as ErrorCode,
          status: Number(status),
        }));
      });
      for (const { code, status } of codes) expect(ERRORS[code]?.http, `${at} ${code}`).toBe(status);
      const all = codes.map(({ code }) => code);
      expect(all, at).toEqual(
        expect.arrayContaining(['invalid_request', 'origin_refused', 'rate_limited', 'store_unavailable', 'internal']),
      );
      if (operation.security?.length) expect(all, at).toEqual(expect.arrayContaining(['unauthenticated', 'forbidden']));
      if (path.includes('{id}')) expect(all, at).toContain('not_found');
    }
  });

  it('documents what creating a session may be refused for', () => {
    const { responses } = spec.paths['/api/v1/sessions']!.post!;
    const text = JSON.stringify(responses);
    for (const code of ['template_unknown', 'no_placement', 'at_capacity', 'conflict', 'message_too_large'])
      expect(text).toContain(code);
  });

  it('has the resources once, by name, and no reference that leads nowhere', () => {
    const names = Object.keys(spec.components.schemas);
    expect(names).toEqual(
      expect.arrayContaining(['Agent', 'Session', 'Command', 'Template', 'Ticket', 'Accepted', 'Event', 'ErrorAnswer']),
    );
    for (const [, name] of JSON.stringify(spec).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(names).toContain(name);
    expect(spec.openapi).toBe('3.1.0');
  });

  it('can be browsed without another host, and without inline scripts', async () => {
    const page = await hub.as(undefined, 'GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(page.body).not.toMatch(/<script>|<script (?![^>]*src=)/);
    const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file as string);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const { pathname } = new URL(file, 'http://hub/docs');
      expect((await hub.as(undefined, 'GET', pathname)).status, file).toBe(200);
    }
  });
});
