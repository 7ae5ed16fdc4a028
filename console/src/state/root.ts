/** Where the hub lives, with a slash at the end: `https://example.com/streamspace/`. The hub's page says it in its `<base>`. */
export const hubRoot = (): URL => new URL('.', document.baseURI);

/** The absolute URL of a path and query that the hub gave, with the path under which it lives or without. */
export const atHub = (root: URL, path: string): URL =>
  new URL(path.startsWith(root.pathname) ? path : `.${path}`, root);

/** A name for what this browser keeps, or its tabs say to each other: hubs under different paths of one origin share neither. */
export const ownName = (root: URL, name: string): string => (root.pathname === '/' ? name : `${name} ${root.pathname}`);
