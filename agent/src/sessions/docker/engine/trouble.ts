import type { EngineAddress } from './address.ts';

/** The engine’s address for people. */
export function whereIs(address: EngineAddress): string {
  if (address.kind === 'unix') return address.path;
  if (address.kind === 'ssh') return `ssh://${address.destination}`;
  return `${address.host}:${address.port}`;
}

/** The system's words, and what an operator may do about it. */
export function remedyOf(error: Error, address: EngineAddress): string {
  const { code } = error as NodeJS.ErrnoException;
  const { message } = error;
  switch (code) {
    case 'ENOENT':
      return `${message}; is the engine running, and DOCKER_HOST its socket?`;
    case 'EACCES':
      return `${message}; the agent’s user has to be in the socket’s group (docker run --group-add, or usermod -aG docker)`;
    case 'ECONNREFUSED':
      return `${message}; is the engine running and listening there?`;
    case 'CERT_HAS_EXPIRED':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${message}; DOCKER_CERT_PATH/ca.pem must be the authority of the engine’s certificate, and that must name the host`;
    case 'ECONNRESET':
    case 'EPIPE':
      // an engine that ends takes its connections along; one that wants TLS hangs up on everything else
      return address.kind === 'tcp' && address.tls === undefined
        ? `${message}; is the engine running? Where it speaks TLS only, set DOCKER_CERT_PATH`
        : `${message}; is the engine running?`;
    default:
      // what the engine says of a client's certificate
      if (/^ERR_SSL_(TLSV1|TLSV13|SSLV3)_ALERT_/.test(code ?? ''))
        return `${alertOf(message)}; DOCKER_CERT_PATH/cert.pem must be of the authority that the engine trusts`;
      return message;
  }
}

/** Of OpenSSL's words, with their files and lines, what the other side said. */
const alertOf = (message: string): string => /:((?:ssl|tls)v[^:]* alert [^:]*):/.exec(message)?.[1] ?? message.trim();
