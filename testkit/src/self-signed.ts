import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Makes a private key and a certificate for the host, its own authority for a week: `NAME.key` and `NAME.crt` in the folder. Needs openssl. */
export function selfSigned(folder: string, name: string, host: string): { key: string; certificate: string } {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  const options = ['-newkey', 'rsa:2048', '-nodes', '-days', '7', '-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', ...options, ...subject], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { key, certificate };
}
