import { describe, expect, it } from 'vitest';
import { basePathOf, pageBase, withoutBasePath } from '../../src/http/base-path.ts';

describe('V3 the path under which the hub is reached', () => {
  it.each([
    [undefined, ''],
    ['https://hub.example.com', ''],
    ['https://hub.example.com/a/b', '/a/b'],
  ])('of %s is %j', (url, path) => expect(basePathOf(url)).toBe(path));

  it.each([
    ['/s', '/s', '/'],
    ['/s', '/s/', '/'],
    ['/s', '/s?a=/s/b', '/?a=/s/b'],
    ['/s', '/s/api/v1?x', '/api/v1?x'],
    ['/s', '/api/v1', '/api/v1'],
    ['/s', '/so/api', '/so/api'],
    ['/s', '/', '/'],
    ['/s', '*', '*'],
    ['', '/s/api', '/s/api'],
  ])('%j leaves of %j %j', (base, target, left) => expect(withoutBasePath(base, target)).toBe(left));

  it.each([
    ['', '/', './'],
    ['', '/agents', './'],
    ['', '/sessions/s-1', '../'],
    ['', '/a/b/', '../../'],
    ['/s', '/a/b/', '/s/'],
  ])('where it is %j the page at %j is relative to %j', (base, path, href) => expect(pageBase(base, path)).toBe(href));
});
