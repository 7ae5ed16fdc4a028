/** Runs where neither template nor setting names an image. */
export const DEFAULT_IMAGE = 'streamspace/desktop:latest';

/** An image of the registry, where its name has none: its first part is a host if it has a dot or a port, as container runtimes read it. */
export function imageName(image: string, registry: string | undefined): string {
  const [first = '', ...rest] = image.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return registry === undefined || hasRegistry ? image : `${registry}/${image}`;
}
