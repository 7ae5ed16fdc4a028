/** Docker Hub's name where credentials are kept. */
const HUB = 'https://index.docker.io/v1/';

/** What an image's name says. */
export interface ImageReference {
  /** With registry and path, without tag and digest. */
  readonly repository: string;
  /** A tag, or a digest `sha256:…`. */
  readonly version: string;
  /** Under which name the host keeps the registry's credentials. */
  readonly registry: string;
}

/** Splits a name as the docker command does; without a tag it is `latest`. */
export function imageReference(image: string): ImageReference {
  const [named, digest] = image.split('@', 2) as [string, string | undefined];
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const repository = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? 'latest' : named.slice(colon + 1);
  const first = repository.split('/', 1)[0]!;
  const isHost = repository.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  return { repository, version: digest ?? tag, registry: isHost && first !== 'docker.io' ? first : HUB };
}
