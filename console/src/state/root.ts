/** URL of the hub, with a slash at the end: `https://example.com/streamspace/`. The page has it in its `<base>`. */
export const hubRoot = (): URL => new URL('.', document.baseURI);

/** The absolute URL of a path and query that the hub gave, with or without the hub's own path. */
export const atHub = (root: URL, path: string): URL =>
  new URL(path.startsWith(root.pathname) ? path : `.${path}`, root);

/** A name for stored data and for messages between tabs: hubs under different paths of one origin share neither. */
export const ownName = (root: URL, name: string): string => (root.pathname === '/' ? name : `${name} ${root.pathname}`);
