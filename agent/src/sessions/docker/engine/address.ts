import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where an engine listens. */
export type EngineAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: EngineTls | undefined }
  | { readonly kind: 'ssh'; readonly destination: string; readonly port: number | undefined };

/** PEM texts, as `docker` finds them in DOCKER_CERT_PATH. */
export interface EngineTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const PORT = { plain: 2375, tls: 2376 };
const TLS_FILES = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' } as const;

/** A setting that can't be used, and its remedy. */
export class AddressError extends Error {
  readonly setting: 'DOCKER_HOST' | 'DOCKER_CERT_PATH';

  constructor(setting: AddressError['setting'], problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.setting = setting;
  }
}

/** Reads DOCKER_HOST and DOCKER_CERT_PATH as the docker command does. Throws {@link AddressError}. */
export function engineAddress(host: string, certPath: string | undefined): EngineAddress {
  if (host.startsWith('unix://')) {
    const path = host.slice('unix://'.length);
    if (!path.startsWith('/'))
      throw new AddressError('DOCKER_HOST', `${host} has no absolute path; e.g. ${DEFAULT_HOST}`);
    return { kind: 'unix', path };
  }
  let url: URL;
  try {
    url = new URL(host);
  } catch {
    throw new AddressError(
      'DOCKER_HOST',
      `${host} is no address; e.g. ${DEFAULT_HOST}, tcp://HOST:2376 or ssh://USER@HOST`,
    );
  }
  if (!['tcp:', 'http:', 'https:', 'ssh:'].includes(url.protocol))
    throw new AddressError('DOCKER_HOST', `${host} is neither unix://, tcp:// nor ssh://`);
  if (url.pathname !== '' && url.pathname !== '/')
    throw new AddressError('DOCKER_HOST', `${host} has a path, which an engine has none of; take it away`);
  const port = url.port === '' ? undefined : Number(url.port);
  if (url.protocol === 'ssh:') {
    if (url.password !== '')
      throw new AddressError('DOCKER_HOST', 'has a password in it; ssh takes a key, see docs/docker.md');
    // an option of ssh, not a host
    if (url.hostname.startsWith('-')) throw new AddressError('DOCKER_HOST', `${host} names no host`);
    return { kind: 'ssh', destination: url.username === '' ? url.hostname : `${url.username}@${url.hostname}`, port };
  }
  if (url.hostname === '') throw new AddressError('DOCKER_HOST', `${host} names no host; e.g. tcp://HOST:2376`);
  const tls = certPath === undefined ? undefined : readTls(certPath);
  if (url.protocol === 'https:' && tls === undefined)
    throw new AddressError(
      'DOCKER_CERT_PATH',
      'not set, and DOCKER_HOST is https; give the folder of ca.pem, cert.pem and key.pem',
    );
  return {
    kind: 'tcp',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port ?? PORT[tls ? 'tls' : 'plain'],
    tls,
  };
}

function readTls(folder: string): EngineTls {
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch (error) {
      throw new AddressError('DOCKER_CERT_PATH', `${join(folder, name)} can’t be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  return { ca: read(TLS_FILES.ca), cert: read(TLS_FILES.cert), key: read(TLS_FILES.key) };
}
