/** The requests that the driver makes of an engine: what a proxy for its socket has to let through, and nothing else. ID and NAME are placeholders. */
export const ENGINE_REQUESTS = {
  GET: [
    '/_ping',
    '/info',
    '/events',
    '/containers/json',
    '/containers/ID/json',
    '/containers/ID/logs',
    '/images/NAME/json',
    '/networks/ID',
    '/volumes/ID',
  ],
  POST: [
    '/containers/create',
    '/containers/ID/start',
    '/containers/ID/stop',
    '/containers/ID/wait',
    '/containers/ID/rename',
    '/containers/ID/exec',
    '/exec/ID/start',
    '/images/create',
    '/networks/create',
    '/volumes/create',
  ],
  DELETE: ['/containers/ID', '/volumes/ID'],
} as const;

/** A path as a regular expression, with or without the API's version before it. An image's name may have slashes. */
export const pathPattern = (path: string): string =>
  `(/v1\\.\\d+)?${path.replace('/ID', '/[\\w.-]+').replace('/NAME', '/[\\w./:@-]+')}`;
