/** Image of sessions for which neither template nor setting names one. */
export const DEFAULT_IMAGE = 'streamspace/desktop:latest';

/**
 * The image, prefixed with the registry if its name has none. As in container runtimes, the first part of a name is a host if it has a dot or a
 * port.
 */
export function imageName(image: string, registry: string | undefined): string {
  const [first = '', ...rest] = image.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return registry === undefined || hasRegistry ? image : `${registry}/${image}`;
}
