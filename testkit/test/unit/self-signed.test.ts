import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { selfSigned } from '../../src/index.ts';

const missing = spawnSync('openssl', ['version']).error !== undefined;

describe.skipIf(missing)(`a self-signed certificate${missing ? ': no openssl on the PATH' : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'self-signed-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is for the host, and of the key beside it', () => {
    const { key, certificate } = selfSigned(folder, 'tls', 'hub.example.com');
    const made = new X509Certificate(readFileSync(certificate));
    expect(made.checkHost('hub.example.com')).toBe('hub.example.com');
    expect(made.checkPrivateKey(createPrivateKey(readFileSync(key)))).toBe(true);
    expect(made.verify(made.publicKey)).toBe(true);
  });
});
